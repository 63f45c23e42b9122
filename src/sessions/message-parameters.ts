/** What visitors and operators say, as it comes in the parameters of an action. */
import { ChatError } from '../domain/error.ts';
import { type Parameters, wrong } from '../protocol/parameters.ts';

/** Of an app's own JSON in a message: it is kept with it and told to everybody who reads it, again and again. */
export const MAX_DATA_LENGTH = 10_000;

/** An answer to the visitor, or a note among operators. */
export type OperatorTextKind = 'operator' | 'for_operator';

/** An answer unless it says otherwise. Throws `wrong-argument-value` for any other word: what is meant as a note goes out as nothing else. */
export function readOperatorKind(parameters: Parameters): OperatorTextKind {
  const kind = parameters.optionalText('kind', { max: 50 }) ?? 'operator';
  if (kind !== 'operator' && kind !== 'for_operator') throw wrong('kind', 'operator or for_operator is expected');
  return kind;
}

/** Errors as SDKs know them: `message_empty`, `max-message-length-exceeded`. */
export function readMessage(parameters: Parameters, maxLength: number, name = 'message'): string {
  const text = parameters.text(name, { max: Number.MAX_SAFE_INTEGER });
  if (text.trim() === '') throw new ChatError('invalid', 'message-empty', 'the message is empty');
  if (text.length > maxLength) throw new ChatError('invalid', 'max-message-length-exceeded', `at most ${maxLength} characters`);
  return text;
}

/** `{"ref": {"msgId": …}}`. An SDK has no way of hearing that a quote is wrong: what cannot be read quotes nothing that is known. */
export function readQuotedId(parameters: Parameters): string | undefined {
  let quote: unknown;
  try {
    quote = parameters.optionalJson('quote', 1_000);
  } catch {
    return '';
  }
  if (quote === undefined) return undefined;
  const ref = isRecord(quote) ? quote['ref'] : undefined;
  const id = isRecord(ref) ? ref['msgId'] : undefined;
  return typeof id === 'string' && id.length <= 100 ? id : '';
}

/** Files in one message: at most 10, as SDKs allow. */
const MAX_FILES = 10;
/** Of their list, which is only read: one SDK's form has names in links, every letter of them as nine. */
const MAX_FILES_LENGTH = 100_000;

/**
 * `message` is a list of files as uploads have given them; one SDK sends a form of its own, with the guid as `localPath` or in a
 * link. Throws `wrong-argument-value`.
 */
export function readGuids(parameters: Parameters): string[] {
  const files = parameters.optionalJson('message', MAX_FILES_LENGTH);
  if (!Array.isArray(files) || files.length === 0 || files.length > MAX_FILES)
    throw wrong('message', `a list of 1 to ${MAX_FILES} files is expected`);
  const guids = files.map((file: unknown) => {
    const { guid, localPath, url } = isRecord(file) ? file : {};
    const inUrl = typeof url === 'string' ? /\/download\/([0-9a-f]{32})(?:\/|$)/.exec(url)?.[1] : undefined;
    return [guid, localPath, inUrl].find((it): it is string => typeof it === 'string' && /^[0-9a-f]{32}$/.test(it)) ?? '';
  });
  if (new Set(guids).size < guids.length) throw wrong('message', 'files must differ');
  return guids;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
