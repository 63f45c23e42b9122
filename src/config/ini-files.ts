/**
 * main.ini and main.ini.d/*.ini beside it, in the order of their names. Flat keys; a [section] line is allowed and
 * means nothing, so that published files work as they are. The last value of a key counts, in one file as across them.
 *
 * NOTE: not read by the `ini` package: it has no line numbers, cuts an unquoted password at its first # or ;, and turns
 * a quoted '1e5' into 100000.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type Fault, whyUnreadable } from './fault.ts';

export interface IniValue {
  readonly value: string;
  readonly file: string;
  readonly line: number;
}

export interface IniFiles {
  readonly values: ReadonlyMap<string, IniValue>;
  /** Those that were read, in order. */
  readonly files: readonly string[];
}

export function readIniFiles(mainFile: string, faults: Fault[]): IniFiles {
  const files: string[] = [];
  const values = new Map<string, IniValue>();
  for (const file of [mainFile, ...listFolder(path.join(path.dirname(mainFile), 'main.ini.d'), faults)]) {
    let content: string;
    try {
      content = readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
    } catch (error) {
      faults.push({ file, message: whyUnreadable(error) });
      continue;
    }
    files.push(file);
    for (const [i, text] of content.split(/\r?\n/).entries()) readLine(text, { file, line: i + 1 }, values, faults);
  }
  return { values, files };
}

function listFolder(folder: string, faults: Fault[]): string[] {
  if (!existsSync(folder)) return [];
  try {
    const names = readdirSync(folder).filter(name => name.endsWith('.ini') && !name.startsWith('.'));
    return names.sort().map(name => path.join(folder, name));
  } catch (error) {
    faults.push({ file: folder, message: whyUnreadable(error) });
    return [];
  }
}

/** A line that is wrong is never quoted in its fault: it may hold a password. */
function readLine(text: string, place: { file: string; line: number }, values: Map<string, IniValue>, faults: Fault[]): void {
  const line = text.trim();
  if (line === '' || /^[;#]/.test(line) || /^\[[^\]]*\]\s*([;#].*)?$/.test(line)) return;
  const equals = line.indexOf('=');
  const key = line.slice(0, equals).trim();
  if (equals === -1) faults.push({ ...place, message: "no '=' in this line, write key = value" });
  else if (key === '') faults.push({ ...place, message: "no key before '=', write key = value" });
  else values.set(key, { value: readValue(line.slice(equals + 1).trim()), ...place });
}

/** Quotes around the value are stripped. A comment needs a blank before it: `s3#cret` is a value. */
function readValue(text: string): string {
  const quoted = /^(["'])(.*?)\1\s*(?:[;#].*)?$/.exec(text)?.[2];
  return quoted ?? text.replace(/(?:^|\s)[;#].*$/, '').trim();
}
