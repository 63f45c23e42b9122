/** Under an operator's request for contacts, until it is answered. */
import { useSignal } from '@preact/signals';
import { isInOpenChat, sendContacts } from '../actions.ts';
import type { Message } from '../wire.ts';
import { useStore } from './context.ts';
import { Field, filledIn } from './field.tsx';

export function ContactForm({ message }: { readonly message: Message }) {
  const store = useStore();
  const { words, conversation } = store;
  const isSending = useSignal(false);
  if (message.kind !== 'cont_req' || !isInOpenChat(store, message)) return null;
  const isAnswered = conversation.value.messages.some(
    ({ kind, ts_m }) => ts_m > message.ts_m && (kind === 'contacts' || kind === 'cont_req'),
  );
  if (isAnswered) return null;
  const send = async (form: HTMLFormElement): Promise<void> => {
    const fields = filledIn(form);
    if (Object.keys(fields).length === 0) return;
    isSending.value = true;
    await sendContacts(store, fields);
    isSending.value = false;
  };
  return (
    <form
      class="card"
      onSubmit={event => {
        event.preventDefault();
        void send(event.currentTarget);
      }}
    >
      <Field name="name" isRequired={false} />
      <Field name="email" isRequired={false} />
      <Field name="phone" isRequired={false} />
      <button class="button is-main" disabled={isSending.value}>
        {words.contactsSend}
      </button>
    </form>
  );
}
