/** Says what an action does before it is done, and why it was refused. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { ApiError } from '../shared/api.ts';
import { type Action, wish } from './store.ts';
import { words } from './words.ts';
import type { ActionFacts } from './words/en.ts';

export interface Question {
  readonly action: Action;
  readonly node: string;
  readonly facts: ActionFacts;
}

export function ConfirmDialog({ question, onClose }: { readonly question: Question; readonly onClose: () => void }) {
  const { action, node, facts } = question;
  const dialog = useRef<HTMLDialogElement>(null);
  const isAsking = useSignal(false);
  const failure = useSignal('');
  const says = words.actions[action];
  useEffect(() => dialog.current?.showModal(), []);

  const confirm = async (): Promise<void> => {
    isAsking.value = true;
    failure.value = '';
    try {
      await wish(action, node, says.done(node));
      dialog.current?.close();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      failure.value = failureOf(error);
    } finally {
      isAsking.value = false;
    }
  };

  return (
    <dialog ref={dialog} aria-labelledby="question" onClose={onClose}>
      <h2 id="question">{says.title(node)}</h2>
      {says.text(node, facts).map(paragraph => (
        <p key={paragraph}>{paragraph}</p>
      ))}
      <p class="failure" role="alert">
        {failure.value}
      </p>
      <div class="actions">
        <button onClick={() => dialog.current?.close()}>{words.cancel}</button>
        <button class="primary" disabled={isAsking.value} onClick={() => void confirm()}>
          {isAsking.value ? words.asking : says.confirm}
        </button>
      </div>
    </dialog>
  );
}

/** Why a node is not ready only the server knows; it says so in English. */
function failureOf({ code, message }: ApiError): string {
  switch (code) {
    case 'node-not-ready':
      return `${words.errors[code]} ${message}`;
    case 'node-not-found':
    case 'not-allowed':
    case 'no-connection':
      return words.errors[code];
    default:
      return words.errors.other;
  }
}
