/**
 * About how many bytes a command's change takes as JSON: what the queue and the batches are bounded by (`Command.bytes`). Texts
 * and data count as they are; what a command only names, and nobody knows before its rows are read, counts as here.
 * Not counted: what is known of a visitor already and goes into a chat that he begins.
 */

/** A message without its words, with those who are named in it. */
export const MESSAGE_BYTES = 700;
/** A move of a chat, a mark, a status. */
export const STEP_BYTES = 400;
/** A chat that may be begun with it: most messages begin none. */
const CHAT_BYTES = 600;
/** The text of a message that is quoted, or changed in another part of it. */
export const KNOWN_TEXT_BYTES = 40_000;
/** The largest keyboard. */
export const KEYBOARD_BYTES = 45_000;

export function textBytes(...texts: readonly (string | null | undefined)[]): number {
  let bytes = 0;
  for (const text of texts) if (text != null) bytes += Buffer.byteLength(text);
  return bytes;
}

export function jsonBytes(value: unknown): number {
  return value == null ? 0 : Buffer.byteLength(JSON.stringify(value));
}

export function chatBytes({ url, title, location }: { readonly url: string; readonly title: string; readonly location: string }): number {
  return CHAT_BYTES + textBytes(url, title, location);
}
