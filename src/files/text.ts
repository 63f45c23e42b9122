/**
 * Is it a text? Asked of the first bytes of what calls itself one, by the inspector. How it begins says nothing: "BMW 320d" begins as a
 * bitmap does. Programs, pictures and archives hold characters that no text has.
 */

/** All of C0 but tab, line ends, form feed and escape, which old printers and terminals want. */
const NOT_IN_TEXTS = /[\u0000-\u0008\u000b\u000e-\u001a\u001c-\u001f]/;

const UTF_16 = [
  { mark: Buffer.from([0xff, 0xfe]), decoder: 'utf-16le' },
  { mark: Buffer.from([0xfe, 0xff]), decoder: 'utf-16be' },
] as const;

/** In which letters it is written, as a content type says it: some 8-bit set counts as UTF-8. undefined: it is no text. */
export function charsetOf(head: Buffer): 'utf-8' | 'utf-16' | undefined {
  const wide = UTF_16.find(({ mark }) => head.subarray(0, 2).equals(mark));
  const text = wide === undefined ? head.toString('latin1') : new TextDecoder(wide.decoder).decode(head);
  if (NOT_IN_TEXTS.test(text)) return undefined;
  return wide === undefined ? 'utf-8' : 'utf-16';
}
