/**
 * The life of a node as an ordered list of parts: started in order (a failure undoes what was started), drained and
 * stopped in reverse, each within its own deadline. All failures are collected; none keeps the others from stopping, nor
 * does a client that will not go.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Log } from '../ports/index.ts';

export interface Part {
  readonly name: string;
  start?(): Promise<void> | void;
  /** Lets clients go and finishes what is in flight, while everything below still works. */
  drain?(): Promise<void> | void;
  stop?(): Promise<void> | void;
}

const DRAIN_DEADLINE_MS = 8_000;
const STOP_DEADLINE_MS = 5_000;

export class Lifecycle {
  readonly #parts: readonly Part[];
  readonly #log: Log;
  #started: Part[] = [];

  constructor(parts: readonly Part[], log: Log) {
    this.#parts = parts;
    this.#log = log;
  }

  async start(): Promise<void> {
    for (const part of this.#parts) {
      this.#started.push(part); // also what fails half-way is stopped
      try {
        await part.start?.();
      } catch (error) {
        await this.stop().catch((failure: unknown) => this.#log.warn('stop-failed', { error: failure }));
        throw error;
      }
    }
  }

  /** Throws AggregateError of all parts that failed. One that runs out of time is left behind: somebody else is slow. */
  async stop(): Promise<void> {
    const parts = this.#started.reverse();
    this.#started = [];
    const failures: unknown[] = [];
    const run = async (part: Part, step: 'drain' | 'stop', deadlineMs: number): Promise<void> => {
      const abort = new AbortController();
      try {
        const late = wait(deadlineMs, 'late', { signal: abort.signal });
        const outcome = await Promise.race([Promise.resolve(part[step]?.()), late]);
        if (outcome === 'late') this.#log.warn('stop-late', { part: part.name, step, withinMs: deadlineMs });
      } catch (error) {
        failures.push(error);
      } finally {
        abort.abort();
      }
    };
    for (const part of parts) await run(part, 'drain', DRAIN_DEADLINE_MS);
    for (const part of parts) await run(part, 'stop', STOP_DEADLINE_MS);
    if (failures.length > 0) throw new AggregateError(failures, 'not everything stopped in order');
  }
}
