/** Keeps a visitor out, for a time or for ever, with a reason for colleagues. */
import { useId } from 'preact/hooks';
import { readForm } from '../form.ts';
import type { Chat } from '../wire.ts';
import { callVisitor, fill, words } from '../words.ts';
import { Dialog } from './dialog.tsx';

export interface BanDialogProps {
  readonly chat: Chat;
  readonly onClose: () => void;
  /** Resolves to whether it worked. */
  readonly onBan: (ban: { readonly reason?: string; readonly until?: number }) => Promise<boolean>;
}

const MAX_REASON_LENGTH = 500;

export function BanDialog({ chat, onClose, onBan }: BanDialogProps) {
  const id = useId();
  const submit = async (form: HTMLFormElement): Promise<void> => {
    const read = readForm(form);
    const reason = read('reason');
    const until = Date.parse(read('until')) / 1_000;
    const isDone = await onBan({ ...(reason === '' ? {} : { reason }), ...(Number.isNaN(until) ? {} : { until: Math.floor(until) }) });
    if (isDone) onClose();
  };
  return (
    <Dialog title={fill(words.banTitle, { name: callVisitor(chat.visitor) })} onClose={onClose}>
      <form
        class="form"
        onSubmit={event => {
          event.preventDefault();
          void submit(event.currentTarget);
        }}
      >
        <p class="muted">{words.banHint}</p>
        <label for={`${id}-reason`}>{words.banReason}</label>
        <input id={`${id}-reason`} name="reason" maxLength={MAX_REASON_LENGTH} />
        <label for={`${id}-until`}>{words.banUntil}</label>
        <input id={`${id}-until`} name="until" type="datetime-local" min={localTime(Date.now() + 60_000)} />
        <footer>
          <button type="button" onClick={onClose}>
            {words.cancel}
          </button>
          <button class="primary danger">{words.ban}</button>
        </footer>
      </form>
    </Dialog>
  );
}

/** As a datetime-local field wants it: of the reader's zone, without seconds. */
function localTime(ms: number): string {
  return new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
