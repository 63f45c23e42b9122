/** The words of this page in the reader's language, and how names, numbers and errors are put into them. */
import { ApiError } from '../shared/api.ts';
import { pickLanguage, plural, type PluralForms } from '../shared/language.ts';
import { knownNameOf, shortId } from './visitor-name.ts';
import type { Visitor } from './wire.ts';
import { en, type Words } from './words/en.ts';
import { ru } from './words/ru.ts';
import { zh } from './words/zh.ts';

export const language = pickLanguage();
export const words: Words = { en, ru, zh }[language];

/** Puts names into `{…}`. */
export function fill(text: string, names: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(names[name] ?? whole));
}

export function count(number: number, forms: PluralForms): string {
  return plural(language, number, forms);
}

export function callVisitor(visitor: Visitor): string {
  return knownNameOf(visitor) ?? fill(words.visitor, { id: shortId(visitor) });
}

/** An error of the protocol in plain words; a conflict names the colleague. */
export function explain(error: unknown): string {
  if (!(error instanceof ApiError)) return words.otherError;
  const data = error.data as { readonly fullname?: string } | undefined;
  const known = words.errors[error.code];
  return known === undefined ? words.otherError : fill(known, { name: data?.fullname ?? words.somebodyElse });
}

export function sizeOf(bytes: number): string {
  const [amount, unit] = bytes < 1_000_000 ? [bytes / 1_000, 'kilobyte'] : [bytes / 1_000_000, 'megabyte'];
  return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: amount < 10 ? 1 : 0 }).format(
    amount,
  );
}
