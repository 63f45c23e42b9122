/** A message on its way, or one that was refused and can be sent again. */
import { useStore } from '../store.ts';
import type { Outgoing } from '../outbox.ts';
import { explain, fill, words } from '../words.ts';

export function OutgoingView({ item }: { readonly item: Outgoing }) {
  const store = useStore();
  return (
    <article class={`message mine first outgoing${item.kind === 'for_operator' ? ' note' : ''}`}>
      <div class="bubble">
        <p class="words" dir="auto">
          {item.text}
        </p>
        {item.status === 'failed' ? (
          <p class="failed" role="alert">
            {fill(words.notSent, { why: explain(item.error) })}{' '}
            <button type="button" class="link" onClick={() => store.outbox.sendAgain(item.clientSideId)}>
              {words.retry}
            </button>{' '}
            <button type="button" class="link" onClick={() => store.outbox.remove(item.clientSideId)}>
              {words.remove}
            </button>
          </p>
        ) : (
          <p class="marks">{words.sending}</p>
        )}
      </div>
    </article>
  );
}
