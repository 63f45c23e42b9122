/**
 * Signed visitor fields (`visitor-ext`): the customer's site says who a visitor is, and that it was the site who said it.
 *
 *   version 3   {"v": 3, "key": "<id of the key>", "signed": "<text>", "hash": "<hex HMAC-SHA256 of the UTF-8 bytes of that text>"}
 *               the text: {"fields": {"id": "42", "display_name": "Anna", …}, "expires": <unix seconds>}
 *
 * The text is checked as it came, before anything of it is read, and nothing beside it counts (apps put an `id` there, which
 * the mobile SDKs look for). Versions 1 and 2 are another's: published-visitor-ext.ts. For sites: docs/visitor-fields.md.
 */
import { ChatError } from '../domain/error.ts';
import { hmacSha256, isSameHex } from './hex-signature.ts';
import { isRecord, parseJson } from './json.ts';
import { wrong } from './parameters.ts';
import { type PublishedSigning, verifyVersion1, verifyVersion2 } from './published-visitor-ext.ts';
import { readSignedFields, type SignedFields } from './signed-fields.ts';

export interface Signing {
  /** Those that are accepted. */
  readonly versions: readonly (1 | 2 | 3)[];
  /** Of version 3: secrets by id. */
  readonly keys: ReadonlyMap<string, string>;
  /** Of versions 1 and 2; never one of `keys`. */
  readonly published: PublishedSigning | undefined;
}

/** No signature is for ever. Five minutes more, for clocks. */
const MAX_AHEAD_SECONDS = 30 * 86_400 + 300;

/** The fields of a `visitor-ext` that is rightly signed. Throws ChatError with the words that SDKs know. */
export function verifyVisitorExt(ext: unknown, { versions, keys, published }: Signing, nowSeconds: number): SignedFields {
  if (!isRecord(ext)) throw wrong('visitor-ext', 'a JSON object is expected');
  const version = ext['v'] === 3 ? 3 : ext['fields'] === undefined ? 1 : 2;
  if (!versions.includes(version)) throw refused(`version ${version} of signed fields is not accepted here (visitor_fields_versions)`);
  if (version === 3) return verifyVersion3(ext, keys, nowSeconds);
  if (published === undefined) throw refused('no key is set');
  return version === 2 ? verifyVersion2(ext, published, nowSeconds) : verifyVersion1(ext, published);
}

function verifyVersion3(ext: Readonly<Record<string, unknown>>, keys: Signing['keys'], nowSeconds: number): SignedFields {
  const { key: keyId, signed, hash } = ext;
  // Half a surrogate pair has no bytes of its own: another text would have the same signature.
  if (typeof keyId !== 'string' || typeof signed !== 'string' || !signed.isWellFormed())
    throw wrong('visitor-ext', 'key and signed must be texts');
  const key = keys.get(keyId);
  if (key === undefined) throw refused('this key is not known');
  if (!isSameHex(hash, hmacSha256(key, signed))) throw refused('the signature is wrong');

  const { fields, expires, ...others } = readSigned(signed);
  if (Object.keys(others).length > 0) throw wrong('visitor-ext', 'signed must hold fields and expires, and nothing else');
  if (!isRecord(fields)) throw wrong('visitor-ext', 'fields must be an object');
  refuseExpired(expires, nowSeconds);
  for (const [name, value] of Object.entries(fields))
    if (typeof value !== 'string') throw wrong('visitor-ext', `${name.slice(0, 50)} must be a text`);
  return readSignedFields(fields, 'visitor-ext');
}

function readSigned(signed: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = parseJson(signed);
  } catch {
    // told below
  }
  if (!isRecord(value)) throw wrong('visitor-ext', 'signed must be the text of a JSON object');
  return value;
}

function refuseExpired(expires: unknown, nowSeconds: number): void {
  if (typeof expires !== 'number' || !Number.isSafeInteger(expires))
    throw new ChatError('forbidden', 'wrong-provided-visitor-expires-value', 'expires must be a number of seconds');
  if (expires <= nowSeconds) throw new ChatError('forbidden', 'provided-visitor-expired', 'the signature has expired');
  if (expires > nowSeconds + MAX_AHEAD_SECONDS)
    throw new ChatError('forbidden', 'wrong-provided-visitor-expires-value', 'expires must be at most 30 days ahead');
}

function refused(why: string): ChatError {
  return new ChatError('forbidden', 'wrong-provided-visitor-hash-value', why);
}
