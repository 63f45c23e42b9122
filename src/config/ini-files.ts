/**
 * main.ini and main.ini.d/*.ini beside it, in the order of their names; the last value of a key counts. Flat keys: a
 * [section] line is allowed and means nothing, so that published files work as they are.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'ini';
import type { Fault } from './fault.ts';

export interface IniValue {
  readonly value: string;
  readonly file: string;
  readonly line: number;
}

export interface IniFiles {
  readonly values: ReadonlyMap<string, IniValue>;
  readonly files: readonly string[];
}

export function readIniFiles(mainFile: string, faults: Fault[]): IniFiles {
  const folder = `${mainFile}.d`;
  const more = existsSync(folder)
    ? readdirSync(folder)
        .filter(name => name.endsWith('.ini'))
        .sort()
        .map(name => path.join(folder, name))
    : [];
  const files = [mainFile, ...more];
  const values = new Map<string, IniValue>();
  for (const file of files) {
    let content: string;
    try {
      content = readFileSync(file, 'utf8');
    } catch (error) {
      faults.push({ file, message: `cannot be read: ${error instanceof Error ? error.message : String(error)}` });
      continue;
    }
    content.split(/\r?\n/).forEach((text, i) => readLine(text, { file, line: i + 1 }, values, faults));
  }
  return { values, files };
}

/** Line by line, so that every fault can name its line; quoting and comments are the ini package's business. */
function readLine(text: string, place: { file: string; line: number }, values: Map<string, IniValue>, faults: Fault[]): void {
  const line = text.trim().replace(/^\uFEFF/, '');
  if (line === '' || /^[;#]/.test(line) || /^\[.*\]$/.test(line)) return;
  const key = line.slice(0, line.indexOf('=')).trim();
  if (!line.includes('=') || key === '') {
    faults.push({ ...place, message: `'${line.slice(0, 40)}' is no line of the form key = value` });
    return;
  }
  // Under a name of our own: "__proto__" or "a[]" mean something to the parser.
  const parsed = parse(`value=${line.slice(line.indexOf('=') + 1)}`)['value'] as unknown;
  values.set(key, { value: typeof parsed === 'string' ? parsed : String(parsed), ...place });
}
