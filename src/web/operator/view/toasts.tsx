/** The corner where short words appear. */
import { X } from 'lucide';
import { Icon } from '../../shared/icon.tsx';
import { dismiss, toasts } from '../toasts.ts';
import { words } from '../words.ts';

export function Toasts() {
  return (
    <div class="toasts" role="status">
      {toasts.value.map(({ id, text, isError }) => (
        <p key={id} class={isError ? 'toast error' : 'toast'}>
          {text}
          <button type="button" class="quiet" aria-label={words.close} onClick={() => dismiss(id)}>
            <Icon of={X} size="1rem" />
          </button>
        </p>
      ))}
    </div>
  );
}
