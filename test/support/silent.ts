/** A log that keeps what was said instead of printing it (of one kind once), and a clock. */
import { performance } from 'node:perf_hooks';
import type { Clock, Log } from '../../src/ports/index.ts';

export interface KeptLog extends Log {
  readonly entries: { readonly level: string; readonly event: string; readonly fields: unknown }[];
}

export function keptLog(): KeptLog {
  const entries: KeptLog['entries'] = [];
  const kinds = new Set<string>();
  const write = (level: string) => (event: string, fields?: unknown, kind?: string) => {
    if (kind === undefined || !kinds.has(kind)) entries.push({ level, event, fields });
    if (kind !== undefined) kinds.add(kind);
  };
  const log: KeptLog = {
    entries,
    error: write('error'),
    warn: write('warn'),
    info: write('info'),
    debug: write('debug'),
    child: () => log,
  };
  return log;
}

export const clock: Clock = { nowMs: () => performance.now() };
