/** What was said before, above the answer to it. */
import type { QuotedMessage } from '../wire.ts';
import { useStore } from './context.ts';

export function QuoteBlock({ quoted }: { readonly quoted: QuotedMessage | null }) {
  const { words } = useStore();
  return (
    <blockquote class="quote">
      {quoted === null ? (
        words.quoteGone
      ) : (
        <>
          <b>{quoted.name === '' ? words.you : quoted.name}</b>
          <span>{words.shortTextOf(quoted)}</span>
        </>
      )}
    </blockquote>
  );
}
