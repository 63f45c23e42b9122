/**
 * The value of each key: flag over environment over the last line of the files over the default, checked by its type.
 * Keeps where each came from, for faults and for `check-config`.
 */
import type { z } from 'zod';
import { didYouMean, type Fault } from './fault.ts';
import type { FindGiven } from './flags.ts';
import type { IniValue } from './ini-files.ts';
import { type Key, KEYS, type KeyName } from './keys.ts';

/** undefined: not set, and its default is not to be. */
type ValueOf<K extends KeyName> = (typeof KEYS)[K]['default'] extends ''
  ? z.output<(typeof KEYS)[K]['type']> | undefined
  : z.output<(typeof KEYS)[K]['type']>;

export type Values = { readonly [K in KeyName]: ValueOf<K> };

/** Where a value stands: a line of a file, or how it was given otherwise. */
export interface Source {
  readonly key: string;
  /** Secrets as `***`. */
  readonly value: string;
  readonly origin: 'default' | 'flag' | 'environment' | { readonly file: string; readonly line: number };
}

/** What others call it. */
const BASE_PATH = /^(?:base|root|context|url)_?(?:path|url|prefix)$/;

/** `values` holds no promise while there are faults. */
export function readValues(
  ini: ReadonlyMap<string, IniValue>,
  given: FindGiven,
  faults: Fault[],
): { values: Values; sources: readonly Source[] } {
  for (const [key, { file, line }] of ini) {
    if (Object.hasOwn(KEYS, key)) continue;
    const known = didYouMean(BASE_PATH.test(key) ? 'base_path' : key, Object.keys(KEYS));
    faults.push({ file, line, message: `unknown key '${key}'${known}` });
  }
  const values: Record<string, unknown> = {};
  const sources: Source[] = [];
  for (const [name, key] of Object.entries<Key>(KEYS)) {
    const told = given(name);
    const line = ini.get(name);
    const value = told?.value ?? line?.value ?? key.default;
    const place = told === undefined ? line : undefined;
    const origin = told?.origin ?? (line === undefined ? 'default' : { file: line.file, line: line.line });
    sources.push({ key: name, value: key.secret === true && value !== '' ? '***' : value, origin });
    if (value === '' && key.default === '') continue;

    const parsed = key.type.safeParse(value);
    if (parsed.success) {
      values[name] = parsed.data;
      continue;
    }
    const subject = told === undefined ? name : `${name} (${told.label})`;
    for (const { message } of parsed.error.issues) {
      // A fault of a list quotes the entry that is wrong; any other is about the value.
      const sentence = message.startsWith("'") ? message : `${key.secret === true ? 'its value' : `'${value}'`} ${message}`;
      faults.push({ file: place?.file, line: place?.line, message: `${subject}: ${sentence}` });
    }
  }
  return { values: values as unknown as Values, sources };
}
