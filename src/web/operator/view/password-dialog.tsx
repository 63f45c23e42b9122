/** The operator's own password. */
import { useSignal } from '@preact/signals';
import { useId } from 'preact/hooks';
import { post } from '../../shared/api.ts';
import { say } from '../toasts.ts';
import { explain, words } from '../words.ts';
import { Dialog } from './dialog.tsx';

const MIN_LENGTH = 8;

export function PasswordDialog({ onClose }: { readonly onClose: () => void }) {
  const id = useId();
  const failure = useSignal('');
  const submit = async (form: HTMLFormElement): Promise<void> => {
    const { oldPassword, newPassword, again } = Object.fromEntries(new FormData(form));
    if (newPassword !== again) {
      failure.value = words.passwordDiffers;
      return;
    }
    try {
      await post('/l/o/password', { oldPassword, newPassword });
      onClose();
      say(words.passwordChanged);
    } catch (error) {
      failure.value = explain(error);
    }
  };
  return (
    <Dialog title={words.password} onClose={onClose}>
      <form
        class="form"
        onSubmit={event => {
          event.preventDefault();
          void submit(event.currentTarget);
        }}
      >
        <label for={`${id}-old`}>{words.passwordOld}</label>
        <input id={`${id}-old`} name="oldPassword" type="password" required autofocus autocomplete="current-password" />
        <label for={`${id}-new`}>{words.passwordNew}</label>
        <input id={`${id}-new`} name="newPassword" type="password" required minLength={MIN_LENGTH} autocomplete="new-password" />
        <label for={`${id}-again`}>{words.passwordAgain}</label>
        <input id={`${id}-again`} name="again" type="password" required minLength={MIN_LENGTH} autocomplete="new-password" />
        <p class="failed" role="alert">
          {failure.value}
        </p>
        <footer>
          <button type="button" onClick={onClose}>
            {words.cancel}
          </button>
          <button class="primary">{words.save}</button>
        </footer>
      </form>
    </Dialog>
  );
}
