/** The rows of the conversation as they are shown: messages under their days, then what is on its way. Pure. */
import type { Unsent } from './forms.ts';
import type { Upload } from './uploads.ts';
import { isOwn, type Message } from './wire.ts';

export type Row =
  | { readonly is: 'day'; readonly key: string; readonly ts: number }
  /** `isFirst`: the one before is not by the same person, or not of the same minutes. */
  | { readonly is: 'message'; readonly key: string; readonly message: Message; readonly isFirst: boolean }
  | { readonly is: 'unsent'; readonly key: string; readonly unsent: Unsent }
  | { readonly is: 'upload'; readonly key: string; readonly upload: Upload };

const SAME_BREATH_SECONDS = 300;

export function rowsOf(messages: readonly Message[], unsent: readonly Unsent[], uploads: readonly Upload[]): readonly Row[] {
  const rows: Row[] = [];
  let last: Message | undefined;
  for (const message of messages) {
    if (last === undefined || dayOf(last.ts) !== dayOf(message.ts)) {
      rows.push({ is: 'day', key: `day ${dayOf(message.ts)}`, ts: message.ts });
      last = undefined;
    }
    rows.push({ is: 'message', key: keyOf(message), message, isFirst: last === undefined || !isSameBreath(last, message) });
    last = message;
  }
  for (const entry of unsent) if (entry.text !== undefined) rows.push({ is: 'unsent', key: entry.id, unsent: entry });
  for (const upload of uploads) rows.push({ is: 'upload', key: upload.id, upload });
  return rows;
}

/** His own message keeps its element when it is confirmed. */
function keyOf(message: Message): string {
  return isOwn(message) ? message.clientSideId : message.id;
}

function isSameBreath(a: Message, b: Message): boolean {
  return (
    isOwn(a) === isOwn(b) && a.authorId === b.authorId && (a.kind === 'info') === (b.kind === 'info') && b.ts - a.ts < SAME_BREATH_SECONDS
  );
}

function dayOf(ts: number): string {
  return new Date(ts * 1_000).toDateString();
}
