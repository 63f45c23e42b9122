/**
 * main.ini and main.ini.d/*.ini beside it, in the order of their names. Flat keys; a [section] line is allowed and
 * means nothing, so that published files work as they are. The last value of a key counts, in one file as across them.
 *
 * NOTE: not read by the `ini` package: it has no line numbers, cuts an unquoted password at its first # or ;, and turns
 * a quoted '1e5' into 100000.
 */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { type Fault, lineOf, whyUnreadable } from './fault.ts';
import { readLines } from './text-file.ts';

export interface IniValue {
  readonly value: string;
  readonly file: string;
  readonly line: number;
}

export interface IniFiles {
  readonly values: ReadonlyMap<string, IniValue>;
  /** Those that were read, in order. */
  readonly files: readonly string[];
  /** Values that a comment has cut: nobody may have meant that. */
  readonly warnings: readonly Fault[];
}

export function readIniFiles(mainFile: string, faults: Fault[]): IniFiles {
  const files: string[] = [];
  const values = new Map<string, IniValue>();
  const warnings: Fault[] = [];
  for (const file of [mainFile, ...listFolder(path.join(path.dirname(mainFile), 'main.ini.d'), faults)]) {
    let lines: string[];
    try {
      lines = readLines(file);
    } catch (error) {
      faults.push({ file, line: lineOf(error), message: whyUnreadable(error) });
      continue;
    }
    files.push(file);
    for (const [i, text] of lines.entries()) readLine(text, { file, line: i + 1 }, values, { faults, warnings });
  }
  return { values, files, warnings };
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

/** A line that is wrong is never quoted in its fault, nor a value in its warning: it may hold a password. */
function readLine(
  text: string,
  place: { file: string; line: number },
  values: Map<string, IniValue>,
  { faults, warnings }: { faults: Fault[]; warnings: Fault[] },
): void {
  const line = text.trim();
  if (line === '' || /^[;#]/.test(line) || /^\[[^\]]*\]\s*([;#].*)?$/.test(line)) return;
  const equals = line.indexOf('=');
  const key = line.slice(0, equals).trim();
  if (equals === -1) faults.push({ ...place, message: "no '=' in this line, write key = value" });
  else if (key === '') faults.push({ ...place, message: "no key before '=', write key = value" });
  else {
    const { value, comment } = readValue(line.slice(equals + 1).trim());
    values.set(key, { value, ...place });
    if (comment !== undefined) warnings.push({ ...place, message: `${key}: ${whatIsCut(value, comment)}` });
  }
}

/**
 * Quotes around the value are stripped. A comment needs a blank before it: `s3#cret` is a value. `comment` is the sign that
 * begins one behind a value without quotes, where it may have been meant as a part of it.
 */
function readValue(text: string): { readonly value: string; readonly comment: string | undefined } {
  const quoted = /^(["'])(.*?)\1\s*(?:[;#].*)?$/.exec(text)?.[2];
  if (quoted !== undefined) return { value: quoted, comment: undefined };
  const [, value = '', comment] = /^(.*?)(?:(?:^|\s)([;#]).*)?$/.exec(text) ?? [];
  return { value: value.trim(), comment };
}

function whatIsCut(value: string, comment: string): string {
  return value === ''
    ? `the value begins with ${comment}, so all of it is a comment and the key is empty; if it is a value, put it in quotes`
    : `the value ends before the ${comment}, where a comment begins; if that belongs to the value, put all of it in quotes`;
}
