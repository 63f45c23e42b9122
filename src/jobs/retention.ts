/** The master's job of forgetting: what nobody can ask for any more is deleted, a little at a time, each time under the lease. */
import type { Microseconds } from '../domain/time.ts';
import type { LabelledCounter, RetentionStore } from '../ports/index.ts';
import { Job, type JobOptions } from './job.ts';

const SWEEP_MS = 60_000;

export interface RetentionOptions extends JobOptions {
  readonly store: RetentionStore;
}

export class Retention extends Job {
  readonly #options: RetentionOptions;
  readonly #deleted: LabelledCounter;

  constructor(options: RetentionOptions) {
    super({ name: 'retention', sweepMs: SWEEP_MS }, options);
    this.#options = options;
    this.#deleted = options.metrics.labelled(
      'rows_deleted_total',
      'Rows that were deleted because nobody can ask for them any more',
      'what',
    );
  }

  protected async run(leaseToken: number): Promise<Microseconds | undefined> {
    const { store, nowUs, leaseToken: current } = this.#options;
    let isMore = false;
    for (const what of store.kinds) {
      if (current() !== leaseToken) return undefined;
      const { deleted, complete } = await store.deleteSome(what, leaseToken);
      this.#deleted.inc(what, deleted);
      isMore ||= !complete;
    }
    return isMore ? nowUs() : undefined;
  }
}
