/**
 * Versions 1 and 2 of signed visitor fields, as the documentation of the mobile SDKs publishes them:
 *
 *   version 2   {fields: {id, display_name, …}, expires?, hash}   hash over the values in the order of their names, then expires
 *   version 1   {id, display_name, …, crc}                        crc = md5 of the values in the order of their names, then the key
 *
 * What is signed has neither names nor separators. Whoever has one signature can cut the same text into other values, under
 * other names, and put the expiry among them; nothing that is checked here can tell. So both are accepted only where the
 * administrator names them (`visitor_fields_versions`), and their key signs nothing else.
 */
import { createHash } from 'node:crypto';
import { ChatError } from '../domain/error.ts';
import { hmacSha256, isSameHex } from './hex-signature.ts';
import { isRecord } from './json.ts';
import { wrong } from './parameters.ts';
import { readSignedFields, type SignedFields } from './signed-fields.ts';

export interface PublishedSigning {
  readonly key: string;
  readonly hash: 'hmac-sha256' | 'sha256' | 'sha512';
}

export function verifyVersion1({ crc, ...fields }: Readonly<Record<string, unknown>>, { key }: PublishedSigning): SignedFields {
  refuseUnless(isSameHex(crc, digestOf('md5', joined(fields) + key)));
  return readSignedFields(fields, 'visitor-ext');
}

export function verifyVersion2(ext: Readonly<Record<string, unknown>>, signing: PublishedSigning, nowSeconds: number): SignedFields {
  const { fields, expires, hash } = ext;
  if (!isRecord(fields)) throw wrong('visitor-ext', 'fields must be an object');
  const text = joined(fields) + textOf(expires);
  refuseUnless(
    isSameHex(hash, signing.hash === 'hmac-sha256' ? hmacSha256(signing.key, text) : digestOf(signing.hash, text + signing.key)),
  );
  if (expires !== undefined && expires !== null) {
    if (!/^\d{10}$/.test(textOf(expires)))
      throw new ChatError('forbidden', 'wrong-provided-visitor-expires-value', 'expires must be seconds of ten digits');
    if (Number(expires) < nowSeconds) throw new ChatError('forbidden', 'provided-visitor-expired', 'the signature has expired');
  }
  return readSignedFields(fields, 'visitor-ext');
}

function joined(fields: Readonly<Record<string, unknown>>): string {
  return Object.keys(fields)
    .sort()
    .map(name => textOf(fields[name]))
    .join('');
}

function textOf(value: unknown): string {
  return typeof value === 'number' || typeof value === 'string' ? String(value) : '';
}

function digestOf(algorithm: 'md5' | 'sha256' | 'sha512', text: string): string {
  return createHash(algorithm).update(text).digest('hex');
}

function refuseUnless(isRight: boolean): void {
  if (!isRight) throw new ChatError('forbidden', 'wrong-provided-visitor-hash-value', 'the signature is wrong');
}
