/** How many connections the operating system leaves room for. */
import { readFileSync } from 'node:fs';
import type { Log } from '../ports/index.ts';

/** Files, connections of the database and broker, and some room. */
const RESERVED = 100;

/** `wanted`, or less where the limit of open files says so; that is told, because somebody meant something else. */
export function boundConnections(wanted: number, log: Log): number {
  const limit = openFilesLimit();
  if (limit === undefined || limit - RESERVED >= wanted) return wanted;
  const maxConnections = Math.max(10, limit - RESERVED);
  log.warn('open-files-limit', { maxConnections, wanted, hint: 'raise the limit of open files (ulimit -n, LimitNOFILE)' });
  return maxConnections;
}

/** undefined where it cannot be known. */
function openFilesLimit(): number | undefined {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}
