/** The round button in the corner of the site, with what is unread. */
import { MessageCircle, X } from 'lucide';
import type { RefObject } from 'preact';
import { Icon } from '../../shared/icon.tsx';
import { useStore } from './context.ts';

export function Launcher({ ref, onClick }: { readonly ref: RefObject<HTMLButtonElement | null>; readonly onClick: () => void }) {
  const { isOpen, unreadCount, words } = useStore();
  const unread = isOpen.value ? 0 : unreadCount.value;
  return (
    <button
      ref={ref}
      type="button"
      class={isOpen.value ? 'launcher is-open' : 'launcher'}
      aria-label={isOpen.value ? words.close : words.open(unread)}
      aria-expanded={isOpen.value}
      onClick={onClick}
    >
      <Icon of={isOpen.value ? X : MessageCircle} size="28px" />
      {unread > 0 && (
        <span class="badge" aria-hidden="true">
          {unread > 99 ? '99+' : unread}
        </span>
      )}
    </button>
  );
}
