/**
 * The careful way of a batch: its rows are locked, everything is decided on them, and whatever the database answers is
 * dealt with: tried again, split, given up. What the commit loop could not decide on its replica's rows comes here.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { ChatError } from '../domain/error.ts';
import type { HotState } from '../domain/state.ts';
import { type BatchWrite, type CommittedRange, type Log, type Store, StoreFailure } from '../ports/index.ts';
import { Attempt } from './attempt.ts';
import { BatchRows } from './batch-rows.ts';
import { keysOf, type Pending } from './command-queue.ts';

export interface LockedCommitsOptions {
  readonly store: Store;
  readonly hot: HotState;
  readonly log: Log;
  readonly openEpoch: () => Promise<unknown>;
  readonly onDatabase: (failure: string | undefined) => void;
  readonly onWritten: (write: BatchWrite, range: CommittedRange) => void;
  /** Without a commit nothing was changed. */
  readonly deliver: (attempt: Attempt, committed: CommittedBatch | undefined) => void;
  /** Refuses what has waited too long; returns the rest. */
  readonly dropExpired: (batch: readonly Pending[]) => readonly Pending[];
}

export interface CommittedBatch extends CommittedRange {
  readonly batchId: string;
}

/** A batch that may have been committed under this id. */
export interface Tried {
  readonly batchId: string;
  readonly attempt: Attempt;
}

export class LockedCommits {
  readonly #options: LockedCommitsOptions;

  constructor(options: LockedCommitsOptions) {
    this.#options = options;
  }

  /** Until the batch's outcome is known or its commands have timed out. Nothing else may be under way. Never rejects. */
  async run(batch: readonly Pending[], tried?: Tried): Promise<void> {
    const { store, log, openEpoch, onDatabase, dropExpired } = this.#options;
    const batchId = tried?.batchId ?? randomUUID();
    let undecided = batch;
    let lastTry = tried?.attempt;
    for (let attempt = 0; undecided.length > 0; attempt++) {
      const current = new Attempt();
      try {
        await this.#attempt(batchId, undecided, current, lastTry);
        onDatabase(undefined);
        return;
      } catch (error) {
        const kind = error instanceof StoreFailure ? error.kind : 'bug';
        if (kind === 'unknown') lastTry = current;
        await store.rollback();
        switch (kind) {
          case 'refused':
          case 'bug':
            await this.#split(undecided, error);
            return;
          case 'fenced':
            for (const pending of undecided)
              pending.reject(new ChatError('conflict', 'server-not-ready', 'this node no longer leads', { cause: error }));
            return;
          case 'epoch':
            await openEpoch().catch((failure: unknown) => log.warn('epoch-not-opened', { error: failure }));
            break;
          case 'exhausted':
          case 'disconnected':
          case 'unknown':
            onDatabase(error instanceof Error ? error.message : String(error));
            break;
          case 'stale':
          case 'retry':
            log.debug('batch-retried', { error });
        }
      }
      await wait(Math.min(20 * 2 ** attempt, 500) * (0.5 + Math.random()), undefined, { ref: true });
      undecided = dropExpired(undecided);
    }
  }

  async #attempt(batchId: string, batch: readonly Pending[], attempt: Attempt, before: Attempt | undefined): Promise<void> {
    const { store, hot, deliver, onWritten } = this.#options;
    const keys = keysOf(batch, hot);
    const locked = await store.begin(batchId, keys, before !== undefined);
    if (locked.committed !== undefined && before !== undefined) {
      await store.rollback();
      deliver(before, { ...locked.committed, batchId }); // it was committed after all: the answers decided then
      return;
    }
    const rows = new BatchRows(keys, locked);
    attempt.decide(batch, rows, locked.nowUs);
    if (attempt.changes.length === 0) {
      await store.rollback();
      deliver(attempt, undefined);
      return;
    }
    const write = attempt.write(rows, batch[0]?.command.leaseToken);
    const range = await store.commit(batchId, write);
    onWritten(write, range);
    deliver(attempt, { ...range, batchId });
  }

  /** One command that cannot be stored must not fail its neighbours: halves are tried on their own. */
  async #split(batch: readonly Pending[], error: unknown): Promise<void> {
    const [only] = batch;
    if (batch.length === 1 && only !== undefined) {
      if (!(error instanceof StoreFailure)) this.#options.log.error('command-failed', { command: only.command.name, error });
      only.reject(
        error instanceof StoreFailure
          ? new ChatError('invalid', 'wrong-argument-value', 'this content cannot be stored', { cause: error })
          : error,
      );
      return;
    }
    const middle = Math.ceil(batch.length / 2);
    await this.run(batch.slice(0, middle));
    await this.run(batch.slice(middle));
  }
}
