/** How long something lasts already: counts on by itself, without its parent being drawn again. */
import { useComputed } from '@preact/signals';
import { duration } from '../../shared/time.ts';
import { useStore } from '../store.ts';
import { language } from '../words.ts';

export function Since({ ts }: { readonly ts: number }) {
  const store = useStore();
  const text = useComputed(() => duration(Math.max(0, store.nowTs() - ts), language));
  return <>{text}</>;
}
