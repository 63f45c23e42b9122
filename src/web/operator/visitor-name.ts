/** How a visitor is called and coloured: by what he has told of himself, else by a label that follows from his id and so stays his. */
import type { Visitor } from './wire.ts';

const COLOURS = 12;
/** Said the same in every language, easy to tell apart at a glance. */
const SHORT_ID_LENGTH = 4;

/** undefined: he has told nothing; see `labelOf`. */
export function knownNameOf(visitor: Pick<Visitor, 'fields'>): string | undefined {
  return namingField(visitor)?.value;
}

/** The customer's site has signed what he is called by. */
export function isNameVerified({ fields, verified = [] }: Pick<Visitor, 'fields' | 'verified'>): boolean {
  const naming = namingField({ fields });
  return naming !== undefined && verified.includes(naming.key);
}

function namingField({ fields }: Pick<Visitor, 'fields'>): { readonly key: string; readonly value: string } | undefined {
  for (const key of ['display_name', 'name', 'login', 'email', 'phone']) {
    const value = fields[key];
    if (typeof value === 'string' && value.trim() !== '') return { key, value: value.trim() };
  }
  return undefined;
}

/** For a filter, in no language. */
export function nameOf(visitor: Visitor): string {
  return knownNameOf(visitor) ?? shortId(visitor);
}

export function shortId({ id }: Pick<Visitor, 'id'>): string {
  return hash(id).toString(36).toUpperCase().padStart(SHORT_ID_LENGTH, '0').slice(-SHORT_ID_LENGTH);
}

/** 0 … 11: the name of a class, see style/avatar.css. */
export function colourOf({ id }: Pick<Visitor, 'id'>): number {
  return hash(id) % COLOURS;
}

/** One or two letters for the coloured disc. */
export function initialsOf(visitor: Visitor): string {
  const words = (knownNameOf(visitor) ?? '').split(/[\s@._-]+/).filter(word => /^[\p{L}\p{N}]/u.test(word));
  return words
    .slice(0, 2)
    .map(word => String.fromCodePoint(word.codePointAt(0) ?? 0))
    .join('')
    .toUpperCase();
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return value;
}
