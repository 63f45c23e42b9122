/**
 * Reads the parameters of a call, whether they came as a form, a query or JSON: leniently in form ("1" and "true" are
 * booleans, "5" is an integer), strictly in content; texts that cannot be stored are made so (storable.ts). Unknown parameters are ignored.
 *
 * Throws ChatError `argument-missing` or `wrong-argument-value` with the name of the parameter.
 */
import { ChatError } from '../domain/error.ts';
import { parseJson } from './json.ts';
import { isStorable, storable, storableText } from './storable.ts';

export type Values = Readonly<Record<string, unknown>>;

interface TextLimits {
  /** In UTF-16 units. */
  readonly max: number;
  readonly pattern?: RegExp;
  /** Refused, and not made storable, with a character that cannot be stored: a password, the key of something. */
  readonly isExact?: true;
}

const ID: TextLimits = { max: 100, pattern: /^[\x21-\x7e]+$/ };

export class Parameters {
  readonly #values: Values;

  constructor(values: Values) {
    this.#values = values;
  }

  /** Something but the empty text. */
  has(name: string): boolean {
    const value = this.#find(name);
    return value !== undefined && value !== '';
  }

  optionalText(name: string, { max, pattern, isExact }: TextLimits): string | undefined {
    const value = this.#find(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'string') throw wrong(name, 'a text is expected');
    if (value.length > max) throw wrong(name, `at most ${max} characters`);
    if (isExact === true && !isStorable(value)) throw wrong(name, 'it holds a character that no text has');
    const text = storableText(value);
    // As it came and as it will be: neither does an id become one, nor a word nothing.
    if (pattern !== undefined && !(pattern.test(value) && pattern.test(text))) throw wrong(name, 'it has an unexpected form');
    return text;
  }

  text(name: string, limits: TextLimits): string {
    return this.optionalText(name, limits) ?? missing(name);
  }

  /** A client's or our own id: printable ASCII without blanks, at most 100 characters. */
  id(name: string): string {
    return this.text(name, ID);
  }

  optionalId(name: string): string | undefined {
    const value = this.#find(name);
    return value === undefined || value === '' ? undefined : this.text(name, ID);
  }

  optionalInteger(name: string, { min, max }: { readonly min: number; readonly max: number }): number | undefined {
    const value = this.#find(name);
    if (value === undefined) return undefined;
    const number = typeof value === 'string' && /^-?\d{1,16}$/.test(value) ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < min || number > max) {
      throw wrong(name, `an integer from ${min} to ${max} is expected`);
    }
    return number;
  }

  integer(name: string, limits: { readonly min: number; readonly max: number }): number {
    return this.optionalInteger(name, limits) ?? missing(name);
  }

  /** An integer id of ours (operator, chat). */
  key(name: string): number {
    return this.integer(name, { min: 1, max: Number.MAX_SAFE_INTEGER });
  }

  optionalBoolean(name: string): boolean | undefined {
    const value = this.#find(name);
    if (value === undefined) return undefined;
    if (value === true || value === 'true' || value === '1' || value === 1) return true;
    if (value === false || value === 'false' || value === '0' || value === 0) return false;
    throw wrong(name, 'true or false is expected');
  }

  boolean(name: string): boolean {
    return this.optionalBoolean(name) ?? missing(name);
  }

  /** JSON, given as text in a form or as itself in JSON. */
  optionalJson(name: string, maxLength: number): unknown {
    const value = this.#find(name);
    if (value === undefined || value === '') return undefined;
    let parsed: unknown = value;
    let text: string;
    if (typeof value === 'string') {
      text = value;
      try {
        parsed = parseJson(value);
      } catch {
        throw wrong(name, 'JSON is expected');
      }
    } else {
      text = JSON.stringify(value);
    }
    if (text.length > maxLength) throw wrong(name, `at most ${maxLength} characters`);
    return storable(parsed);
  }

  #find(name: string): unknown {
    const value = Object.hasOwn(this.#values, name) ? this.#values[name] : undefined;
    return value === null ? undefined : value;
  }
}

export function wrong(name: string, why: string): ChatError {
  return new ChatError('invalid', 'wrong-argument-value', `${name}: ${why}`, { argumentName: name });
}

function missing(name: string): never {
  throw new ChatError('invalid', 'argument-missing', `${name} is missing`, { argumentName: name });
}
