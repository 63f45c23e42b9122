/** Ends the chat, after it was asked whether that is meant. */
import type { RefObject } from 'preact';
import { endChat } from '../actions.ts';
import { useStore } from './context.ts';

export function EndChatDialog({ ref }: { readonly ref: RefObject<HTMLDialogElement | null> }) {
  const store = useStore();
  const { words } = store;
  return (
    <dialog ref={ref} class="question" aria-labelledby="end-question" aria-describedby="end-hint">
      <h2 id="end-question">{words.endChatQuestion}</h2>
      <p id="end-hint">{words.endChatHint}</p>
      <form method="dialog" class="buttons">
        <button class="button">{words.keepChatting}</button>
        <button class="button is-bad" onClick={() => void endChat(store)}>
          {words.endChat}
        </button>
      </form>
    </dialog>
  );
}
