/**
 * Text files that people write, as UTF-8. An editor may have saved them otherwise: then it is said which way and, where one byte
 * is to blame, in which line, instead of reading letters that nobody has typed. Called for every file of the configuration.
 */
import { readFileSync } from 'node:fs';

/** Not a text file that can be read; `whyUnreadable` tells its message, which quotes nothing of the file. */
export class TextFault extends Error {
  override readonly name = 'TextFault';
  readonly line: number | undefined;

  constructor(message: string, line?: number) {
    super(message);
    this.line = line;
  }
}

/** Without a byte order mark. Throws TextFault, or what the file system says. */
export function readText(file: string): string {
  return decodeText(readFileSync(file));
}

/** The same, for files that are read line by line. */
export function readLines(file: string): string[] {
  const text = readText(file);
  const alone = /\r(?![\r\n]|$)/.exec(text);
  if (alone !== null)
    throw new TextFault(
      'ends lines with CR alone, as very old editors do: save it with line ends of Unix (LF) or Windows (CRLF)',
      text.slice(0, alone.index).split('\n').length,
    );
  return text.split(/\r*\n/);
}

function decodeText(bytes: Buffer): string {
  const encoding = foreignEncoding(bytes);
  if (encoding !== undefined) throw new TextFault(`is ${encoding}: save it as UTF-8`);
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  const nul = bytes.indexOf(0);
  if (nul !== -1) throw new TextFault('holds a NUL byte: it is no text file', lineAt(bytes, nul));
  const wrong = firstWrongByte(bytes);
  if (wrong !== undefined)
    throw new TextFault('is not UTF-8 here (Latin-1, or another code page of Windows?): save it as UTF-8', lineAt(bytes, wrong));
  return text;
}

/** By its mark, or by the zero bytes that half of UTF-16 consists of where the letters are Latin. */
function foreignEncoding(bytes: Buffer): string | undefined {
  const begin = bytes.toString('hex', 0, 4);
  if (begin === 'fffe0000' || begin === '0000feff') return 'UTF-32';
  if (begin.startsWith('fffe') || begin.startsWith('feff')) return 'UTF-16';
  const head = bytes.subarray(0, 200);
  const zeros = [0, 1].map(parity => head.filter((byte, i) => byte === 0 && i % 2 === parity).length);
  return Math.max(...zeros) > head.length / 4 && Math.min(...zeros) === 0 ? 'UTF-16 without a mark' : undefined;
}

/** No byte of a longer character is a line end, so lines can be tried one by one. */
function firstWrongByte(bytes: Buffer): number | undefined {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(0x0a, from);
    const to = end === -1 ? bytes.length : end + 1;
    try {
      decoder.decode(bytes.subarray(from, to));
    } catch {
      return from;
    }
    from = to;
  }
  return undefined;
}

function lineAt(bytes: Buffer, offset: number): number {
  return bytes.subarray(0, offset).filter(byte => byte === 0x0a).length + 1;
}
