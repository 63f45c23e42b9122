/**
 * Warnings that the network can provoke: one line per kind in ten seconds, the next one says how many were left out.
 * `kind` is a word of ours and never what came over the wire, so the map stays small.
 */
import type { Log, LogFields } from '../ports.ts';

const SAY_AGAIN_MS = 10_000;

export class LimitedLog {
  readonly #log: Log;
  readonly #said = new Map<string, { atMs: number; leftOut: number }>();

  constructor(log: Log) {
    this.#log = log;
  }

  warn(event: string, fields: LogFields, kind = event): void {
    this.#say('warn', event, fields, kind);
  }

  error(event: string, fields: LogFields, kind = event): void {
    this.#say('error', event, fields, kind);
  }

  #say(level: 'warn' | 'error', event: string, fields: LogFields, kind: string): void {
    const nowMs = performance.now();
    const last = this.#said.get(kind);
    if (last !== undefined && nowMs - last.atMs < SAY_AGAIN_MS) {
      last.leftOut += 1;
      return;
    }
    this.#said.set(kind, { atMs: nowMs, leftOut: 0 });
    this.#log[level](event, last === undefined || last.leftOut === 0 ? fields : { ...fields, leftOut: last.leftOut });
  }
}
