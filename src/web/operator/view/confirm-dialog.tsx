/** Asks before something that cannot be undone. */
import { words } from '../words.ts';
import { Dialog } from './dialog.tsx';

export interface ConfirmDialogProps {
  readonly title: string;
  readonly text: string;
  readonly button: string;
  readonly onYes: () => void;
  readonly onClose: () => void;
}

export function ConfirmDialog({ title, text, button, onYes, onClose }: ConfirmDialogProps) {
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{text}</p>
      <footer>
        <button type="button" autofocus onClick={onClose}>
          {words.cancel}
        </button>
        <button
          type="button"
          class="primary"
          onClick={() => {
            onClose();
            onYes();
          }}
        >
          {button}
        </button>
      </footer>
    </Dialog>
  );
}
