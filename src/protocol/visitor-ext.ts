/**
 * Signed visitor fields (`visitor-ext`): the customer's site says who a visitor is, and that it was him who said it.
 *
 *   version 2   {fields: {id, display_name, …}, expires?, hash}   hash over the values in the order of their names, then expires
 *   version 1   {id, display_name, …, crc}                        crc = md5 of the values in the order of their names, then the key
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { ChatError } from '../domain/error.ts';
import type { Visitor } from '../domain/visitor.ts';
import { isStorable, wrong } from './parameters.ts';

export interface Signing {
  readonly key: string;
  readonly hash: 'hmac-sha256' | 'sha256' | 'sha512';
}

/** Whatever else is signed is of no use here. */
const NAMES = ['id', 'display_name', 'phone', 'email', 'profile_url', 'avatar_url', 'login', 'comment', 'info', 'icq'];
const MAX_VALUE = 1_000;

export type SignedFields = Visitor['fields'] & { readonly id: string };

/**
 * The fields of a `visitor-ext` that is rightly signed. `signing` undefined: no key is set, nothing is rightly signed.
 * Throws ChatError with the words that SDKs know.
 */
export function verifyVisitorExt(ext: unknown, signing: Signing | undefined, nowSeconds: number): SignedFields {
  if (!isRecord(ext)) throw wrong('visitor-ext', 'a JSON object is expected');
  const isVersion1 = ext['fields'] === undefined;
  const { crc, ...flat } = ext;
  const signed = isVersion1 ? flat : ext['fields'];
  if (!isRecord(signed)) throw wrong('visitor-ext', 'fields must be an object');
  const text = Object.keys(signed)
    .sort()
    .map(name => textOf(signed[name]))
    .join('');
  const expires = isVersion1 ? undefined : ext['expires'];
  const given = isVersion1 ? crc : ext['hash'];
  const right = signing === undefined ? '' : isVersion1 ? md5(text + signing.key) : digest(text + textOf(expires), signing);
  if (!isSameHex(given, right)) throw refused('wrong-provided-visitor-hash-value', 'the signature is wrong');
  if (expires !== undefined && expires !== null) {
    if (!/^\d{1,12}$/.test(textOf(expires))) throw refused('wrong-provided-visitor-expires-value', 'expires must be in seconds');
    if (Number(expires) < nowSeconds) throw refused('provided-visitor-expired', 'the signature has expired');
  }
  return readSignedFields(signed, 'visitor-ext');
}

/** The known fields of who a visitor is, `id` among them. Throws `wrong-argument-value`. */
export function readSignedFields(given: Readonly<Record<string, unknown>>, argumentName: string): SignedFields {
  const fields: Record<string, string> = {};
  for (const name of NAMES) {
    const value = given[name];
    if (value === undefined || value === null || value === '') continue;
    if (typeof value !== 'string' && typeof value !== 'number') throw wrong(argumentName, `${name} must be a text`);
    const text = String(value);
    if (text.length > MAX_VALUE || !isStorable(text)) throw wrong(argumentName, `${name} is no text of at most ${MAX_VALUE} characters`);
    fields[name] = text;
  }
  const { id } = fields;
  if (id === undefined) throw wrong(argumentName, 'id is missing');
  return { ...fields, id };
}

function digest(text: string, { key, hash }: Signing): string {
  if (hash === 'hmac-sha256') return createHmac('sha256', key).update(text).digest('hex');
  return createHash(hash)
    .update(text + key)
    .digest('hex');
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}

function textOf(value: unknown): string {
  return typeof value === 'number' || typeof value === 'string' ? String(value) : '';
}

/** Upper or lower case. */
function isSameHex(given: unknown, right: string): boolean {
  if (typeof given !== 'string' || right === '') return false;
  const [a, b] = [Buffer.from(given.toLowerCase()), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function refused(reason: ChatError['reason'], why: string): ChatError {
  return new ChatError('forbidden', reason, why);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
