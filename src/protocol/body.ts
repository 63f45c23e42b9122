/**
 * Bytes of a request → values. Form encoding and JSON are decoded strictly: what is no UTF-8 is refused with the
 * parameter's name, never stored as replacement characters.
 */
import { ChatError } from '../domain/error.ts';
import { JsonTooDeep, parseJson } from './json.ts';
import { type Values, wrong } from './parameters.ts';

const MAX_PARAMETERS = 200;

/** `type` is the Content-Type header. Anything but JSON is read as a form: an SDK mislabels some of its bodies. */
export function parseBody(bytes: Uint8Array, type: string | undefined): Values {
  if (bytes.length === 0) return {};
  const text = decodeUtf8(bytes);
  return type !== undefined && /^application\/(?:[\w.+-]+\+)?json\b/i.test(type) ? parseJsonObject(text) : parseForm(text);
}

export function parseJsonObject(text: string): Values {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    throw wrong('body', error instanceof JsonTooDeep ? error.message : 'it is no JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong('body', 'a JSON object is expected');
  return value as Values;
}

/** `a=1&b=2`, percent-encoded UTF-8, blanks as + or %20. Of a parameter given twice the last one counts. */
export function parseForm(text: string): Values {
  const values: Record<string, string> = Object.create(null) as Record<string, string>;
  const pairs = text.split('&');
  if (pairs.length > MAX_PARAMETERS) throw wrong('body', `at most ${MAX_PARAMETERS} parameters`);
  for (const pair of pairs) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decode(equals === -1 ? pair : pair.slice(0, equals), 'body');
    values[name] = equals === -1 ? '' : decode(pair.slice(equals + 1), name);
  }
  return values;
}

export function queryOf(url: string): Values {
  const mark = url.indexOf('?');
  return mark === -1 ? {} : parseForm(url.slice(mark + 1));
}

function decode(text: string, name: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw wrong(name, 'it is no percent-encoded UTF-8');
  }
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ChatError('invalid', 'wrong-argument-value', 'the body is no UTF-8', { argumentName: 'body', cause });
  }
}
