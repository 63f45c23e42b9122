/** A message in one line, and the files in it. */
import { serverUrl } from '../shared/server.ts';
import { isFromVisitor, type LastMessage, type Message } from './wire.ts';
import { count, words } from './words.ts';

export interface SentFile {
  readonly guid: string;
  readonly filename: string;
  readonly content_type: string;
  readonly size: number;
  readonly image: { readonly size: { readonly width: number; readonly height: number } } | null;
}

export function messageSummary({ kind, text }: Pick<LastMessage, 'kind' | 'text'>): string {
  switch (kind) {
    case 'file_visitor':
    case 'file_operator':
      return fileNames(text) ?? words.file;
    case 'sticker_visitor':
      return words.sticker;
    case 'contacts':
      return words.contacts;
    case 'cont_req':
      return words.contactsAsked;
    default:
      return text === '' ? words.deleted : text;
  }
}

/** One file stands in `data`, several in the text. */
export function filesOf({ kind, text, data }: Pick<Message, 'kind' | 'text' | 'data'>): readonly SentFile[] {
  const file = (data as { readonly file?: { readonly desc?: SentFile | null } } | null)?.file?.desc;
  if (kind === 'for_operator') return file === undefined || file === null ? [] : [file];
  if (kind !== 'file_visitor' && kind !== 'file_operator') return [];
  return file === undefined || file === null ? parseFiles(text) : [file];
}

export function downloadUrl({ guid, filename }: SentFile): string {
  return serverUrl(`/l/o/download/${guid}/${encodeURIComponent(filename)}`);
}

/** Did a word of the visitor's come last? */
export function visitorWroteLast(message: LastMessage | null): boolean {
  return message !== null && isFromVisitor(message);
}

/** undefined: the text is cut off in the middle. */
function fileNames(text: string): string | undefined {
  const files = parseFiles(text);
  const [first] = files;
  if (first === undefined) return /"filename":"((?:[^"\\]|\\.)*)"/.exec(text)?.[1];
  return files.length === 1 ? first.filename : count(files.length, words.files);
}

function parseFiles(text: string): readonly SentFile[] {
  try {
    return [JSON.parse(text) as SentFile | readonly SentFile[]].flat();
  } catch {
    return [];
  }
}
