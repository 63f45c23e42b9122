/**
 * The master's job of reading what was said in chats that have ended, so that operators find it by its words. Where the
 * database has no index to offer it says so once and asks again later; searches then read the messages themselves.
 */
import type { Microseconds } from '../domain/time.ts';
import type { SearchIndex as SearchIndexStore } from '../ports/index.ts';
import { Job, type JobOptions } from './job.ts';

const SWEEP_MS = 10_000;
/** Between two reads when many are to be read: conversations come first. */
const PAUSE_MS = 100;
/** Asked again: an administrator may have installed it. */
const ASK_AGAIN_MS = 3_600_000;

export interface SearchIndexOptions extends JobOptions {
  readonly store: SearchIndexStore;
}

export class SearchIndex extends Job {
  readonly #options: SearchIndexOptions;
  #isPrepared = false;
  #askAgainMs = 0;

  constructor(options: SearchIndexOptions) {
    super({ name: 'search-index', sweepMs: SWEEP_MS, pauseMs: PAUSE_MS }, options);
    this.#options = options;
  }

  protected async run(leaseToken: number): Promise<Microseconds | undefined> {
    const { store, nowUs } = this.#options;
    if (!this.#isPrepared && !(await this.#prepare())) return undefined;
    const { complete } = await store.readSome(leaseToken);
    return complete ? undefined : nowUs();
  }

  async #prepare(): Promise<boolean> {
    const { store, clock, log } = this.#options;
    if (clock.nowMs() < this.#askAgainMs) return false;
    const why = await store.prepare();
    this.#isPrepared = why === undefined;
    if (why === undefined) return true;
    if (this.#askAgainMs === 0) {
      log.warn('search-not-indexed', {
        reason: why,
        advice:
          'searches by words read all messages; install pg_trgm (package postgresql-contrib) in this database: create extension pg_trgm',
      });
    }
    this.#askAgainMs = clock.nowMs() + ASK_AGAIN_MS;
    return false;
  }
}
