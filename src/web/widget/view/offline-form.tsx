/** Nobody is there: his message, and where to answer. */
import { useEffect } from 'preact/hooks';
import { leaveMessage } from '../actions.ts';
import { useStore } from './context.ts';
import { Field, filledIn } from './field.tsx';

export function OfflineForm() {
  const store = useStore();
  const { words } = store;
  useEffect(() => () => void (store.isLeavingMessage.value = false), []);

  return (
    <form
      class="card"
      onInput={() => (store.isLeavingMessage.value = true)}
      onSubmit={event => {
        event.preventDefault();
        const { message = '', ...fields } = filledIn(event.currentTarget);
        if (message !== '') leaveMessage(store, fields, message);
      }}
    >
      <p>{words.offlineIntro}</p>
      <Field name="name" isRequired={false} />
      <Field name="email" isRequired />
      <label class="field">
        <span>{words.yourMessage}</span>
        <textarea name="message" rows={4} required maxLength={5_000} defaultValue={store.newText.peek()} />
      </label>
      <button class="button is-main">{words.leaveMessage}</button>
    </form>
  );
}
