/** Decoders of JSON that coerce nothing: a text is no number, a fraction no integer, null no boolean. */

export type JsonObject = Readonly<Record<string, unknown>>;

/** An app would have died of this value, or dropped it without a word. */
export class DecodeError extends Error {
  constructor(path: string, expected: string, value: unknown) {
    super(`${path}: ${expected} expected, ${shown(value)} came`);
  }
}

export type Decoder<T> = (value: unknown, path: string) => T;
type Shape = Readonly<Record<string, Decoder<unknown>>>;
export type Decoded<S extends Shape> = { readonly [K in keyof S]: ReturnType<S[K]> };

const simple =
  <T>(expected: string, matches: (value: unknown) => boolean): Decoder<T> =>
  (value, path) => {
    if (!matches(value)) throw new DecodeError(path, expected, value);
    return value as T;
  };

export const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

export const anyObject = simple<JsonObject>('object', isObject);
export const text = simple<string>('text', value => typeof value === 'string');
export const filled = simple<string>('text that is not empty', value => typeof value === 'string' && value !== '');
export const flag = simple<boolean>('true or false', value => typeof value === 'boolean');
export const integer = simple<number>('integer', value => Number.isSafeInteger(value));
export const nothing = simple<null>('null', value => value === null);
/** Seconds since 1970, with a fraction or without; 0 is "never". */
export const seconds = simple<number>('seconds', value => typeof value === 'number' && value >= 0 && value < 1e11);
export const wholeSeconds = simple<number>('seconds without a fraction', value => Number.isInteger(value) && (value as number) < 1e11);
export const microseconds = simple<number>(
  'microseconds since 1970 as an integer',
  value => Number.isSafeInteger(value) && (value as number) > 1e15,
);
/** The client puts the base URL in front. */
export const path = simple<string>('path that begins with /', value => typeof value === 'string' && value.startsWith('/'));
export const textOrInteger = simple<string | number>(
  'text or integer',
  value => (typeof value === 'string' && value !== '') || Number.isSafeInteger(value),
);

export const oneOf = <W extends string>(...words: readonly W[]): Decoder<W> =>
  simple<W>(words.join(' | '), value => words.includes(value as W));

export const integerBetween = (least: number, most: number): Decoder<number> =>
  simple<number>(
    `integer from ${least} to ${most}`,
    value => Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
  );

export const nullable =
  <T>(decoder: Decoder<T>): Decoder<T | null> =>
  (value, at) =>
    value === null ? null : decoder(value, at);

/** May be absent, which is not the same as null. */
export const optional =
  <T>(decoder: Decoder<T>): Decoder<T | undefined> =>
  (value, at) =>
    value === undefined ? undefined : decoder(value, at);

export const maybe = <T>(decoder: Decoder<T>): Decoder<T | null | undefined> => optional(nullable(decoder));

export const list =
  <T>(decoder: Decoder<T>): Decoder<readonly T[]> =>
  (value, at) => {
    if (!Array.isArray(value)) throw new DecodeError(at, 'list', value);
    return value.map((item, i) => decoder(item, `${at}[${i}]`));
  };

export const mapOf =
  <T>(decoder: Decoder<T>): Decoder<Readonly<Record<string, T>>> =>
  (value, at) =>
    Object.fromEntries(Object.entries(anyObject(value, at)).map(([key, item]) => [key, decoder(item, `${at}.${key}`)]));

/** Members that are not in the shape are let through unseen, as the apps do. */
export const object =
  <S extends Shape>(shape: S): Decoder<Decoded<S>> =>
  (value, at) => {
    const whole = anyObject(value, at);
    return Object.fromEntries(Object.entries(shape).map(([key, decoder]) => [key, decoder(whole[key], `${at}.${key}`)])) as Decoded<S>;
  };

function shown(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 120);
}
