/**
 * Lines for the journal of systemd begin with their priority (`<3>`), by which `journalctl -p warning` finds them. Only
 * where a stream of this process is the journal itself, which systemd says in JOURNAL_STREAM: in a file, a pipe or a
 * terminal the prefix would be dirt.
 */
import { fstatSync } from 'node:fs';

const PRIORITIES: Readonly<Record<string, number>> = { error: 3, warn: 4, info: 6, debug: 7 };

/** `descriptor`: 1 is standard output, 2 standard error. A child of a unit inherits the variable, and not always the stream. */
export function isJournal(descriptor: number, env: NodeJS.ProcessEnv = process.env): boolean {
  const stream = env['JOURNAL_STREAM'];
  if (stream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(descriptor, { bigint: true });
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

export function withPriority(level: string, line: string): string {
  return `<${PRIORITIES[level] ?? 6}>${line}`;
}
