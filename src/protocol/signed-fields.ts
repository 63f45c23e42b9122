/**
 * The fields that say who a visitor is, as the customer's site signs them or its backend vouches for them: which names there
 * are, and what a value may be. Whoever reads them has checked the signature first.
 */
import type { Visitor } from '../domain/visitor.ts';
import { wrong } from './parameters.ts';
import { isStorable, storableText } from './storable.ts';

export const SIGNED_NAMES = [
  'id',
  'display_name',
  'phone',
  'email',
  'profile_url',
  'avatar_url',
  'login',
  'comment',
  'info',
  'icq',
] as const;
const MAX_VALUE = 1_000;
/** Of an id in UTF-8: PostgreSQL has no room for more in an index. */
const MAX_ID_BYTES = 2_600;

export type SignedFields = Visitor['fields'] & { readonly id: string };

/** Texts, and whole numbers as texts. An empty one takes away what was signed before. Throws `wrong-argument-value`, also for a name that is not known. */
export function readSignedFields(given: Readonly<Record<string, unknown>>, argumentName: string): SignedFields {
  const fields: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) {
    if (!(SIGNED_NAMES as readonly string[]).includes(name))
      throw wrong(argumentName, `'${name.slice(0, 50)}' is no field of a visitor; there are ${SIGNED_NAMES.join(', ')}`);
    if (value === undefined || value === null) continue;
    // A number that is not exact would make one visitor of two.
    const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
    if (typeof text !== 'string') throw wrong(argumentName, `${name} must be a text`);
    // Who he is must be exact, or two visitors would be one.
    if (text.length > MAX_VALUE || (name === 'id' && !isStorable(text)))
      throw wrong(argumentName, `${name} is no text of at most ${MAX_VALUE} characters`);
    fields[name] = storableText(text);
  }
  const { id } = fields;
  if (id === undefined || id === '') throw wrong(argumentName, 'id is missing');
  if (Buffer.byteLength(id) > MAX_ID_BYTES) throw wrong(argumentName, `id is longer than ${MAX_ID_BYTES} bytes`);
  return { ...fields, id };
}
