/** Signatures as hex, compared in constant time. */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** Of the UTF-8 bytes of `text`. */
export function hmacSha256(key: string, text: string): string {
  return createHmac('sha256', key).update(text, 'utf8').digest('hex');
}

/** Upper or lower case. */
export function isSameHex(given: unknown, right: string): boolean {
  if (typeof given !== 'string') return false;
  const [a, b] = [Buffer.from(given.toLowerCase()), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
