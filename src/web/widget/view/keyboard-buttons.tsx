/** Answers that the operator offers to be pressed. */
import { useSignal } from '@preact/signals';
import { isInOpenChat, pressButton } from '../actions.ts';
import type { Keyboard, Message } from '../wire.ts';
import { useStore } from './context.ts';

export function KeyboardButtons({ message }: { readonly message: Message }) {
  const store = useStore();
  const isPressed = useSignal(false);
  if (message.kind !== 'keyboard') return null;
  const { state, buttons, response } = message.data as Keyboard;
  const canPress = state === 'pending' && isInOpenChat(store, message) && !isPressed.value;
  const press = async (id: string): Promise<void> => {
    isPressed.value = true;
    if (!(await pressButton(store, message, id))) isPressed.value = false;
  };
  return (
    <div class="keyboard" role="group" aria-label={message.text}>
      {buttons.map((row, index) => (
        <div class="keyboard-row" key={index}>
          {row.map(({ id, text }) => (
            <button
              type="button"
              class={response?.buttonId === id ? 'button is-chosen' : 'button'}
              key={id}
              disabled={!canPress}
              onClick={() => void press(id)}
            >
              {text}
            </button>
          ))}
        </div>
      ))}
    </div>
  );
}
