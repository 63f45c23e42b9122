/**
 * What comes from outside and cannot be stored is made so at the edge, once: PostgreSQL holds no NUL, and half a surrogate pair (a text that
 * was cut in the middle of an emoji) is no character. NUL is left out, the half becomes U+FFFD. A client that sends such a text again and
 * again would never get rid of it. Names of things that must be exact (ids, signed identities) are refused instead by those who read them.
 */

export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\u0000');
}

export function storableText(text: string): string {
  return isStorable(text) ? text : text.replaceAll('\u0000', '').toWellFormed();
}

/** All texts in what JSON says, names too. */
export function storable(value: unknown): unknown {
  if (typeof value === 'string') return storableText(value);
  if (Array.isArray(value)) return value.map(storable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [storableText(name), storable(inner)]));
}
