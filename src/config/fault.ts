/**
 * Faults of the configuration: all of them at once, one line each, with file and line where there is one. Readers push
 * into one list and go on; only loadConfig throws. Exit code 78.
 */
import { TextFault } from './text-file.ts';

export interface Fault {
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  readonly message: string;
}

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[]) {
    super(faults.map(sentence).join('\n'));
    this.faults = faults;
  }
}

/** One line, with its place if it has one. */
export function sentence({ file, line, message }: Fault): string {
  return file === undefined ? message : line === undefined ? `${file}: ${message}` : `${file}:${line}: ${message}`;
}

/** Why a file could not be read, in words that need no knowledge of errno. */
export function whyUnreadable(error: unknown): string {
  if (error instanceof TextFault) return error.message;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'does not exist';
  if (code === 'EACCES' || code === 'EPERM') return 'may not be read by this user';
  if (code === 'EISDIR') return 'is a folder, not a file';
  if (code === 'ENOTDIR') return 'is not a folder';
  return `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
}

/** The line to blame, where a file could be read and is no text. */
export function lineOf(error: unknown): number | undefined {
  return error instanceof TextFault ? error.line : undefined;
}

/** ", did you mean 'x'?" when one of the right names is near enough, else "". */
export function didYouMean(wrong: string, right: readonly string[]): string {
  const nearest = right
    .map(name => ({ name, distance: distance(wrong.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  if (nearest === undefined || nearest.distance > Math.max(2, Math.floor(wrong.length / 3))) return '';
  return `, did you mean '${nearest.name}'?`;
}

/** Edit distance; a swap of neighbours counts once, because that is how people mistype. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? 0;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(at(i - 1, j) + 1, (row[j - 1] ?? 0) + 1, at(i - 1, j - 1) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, at(i - 2, j - 2) + 1);
      row.push(cost);
    }
    rows.push(row);
  }
  return at(a.length, b.length);
}
