/**
 * The commit loop: the one writer of a node. Commands that arrive while a commit is in flight wait and go together
 * in the next one (the commit in flight is the timer; at low load a batch is one command).
 *
 *   execute → queue → [ lock rows → decide each → write each touched row once → append changes, commit ] → answer,
 *   feed the own replica, publish one envelope
 *
 * A command is answered only when its outcome is certain, or with `unavailable` after COMMAND_TIMEOUT_MS: the sender
 * tries again under the same client id, which is harmless.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Change } from '../domain/change.ts';
import { ChatError } from '../domain/error.ts';
import type { HotState } from '../domain/state.ts';
import {
  type Clock,
  type CommittedRange,
  type Histogram,
  type Log,
  type LoggedCommit,
  type Metrics,
  type OutgoingEnvelope,
  type Store,
  StoreFailure,
} from '../ports.ts';
import { BatchRows } from './batch-rows.ts';
import { CommandQueue, type Pending } from './command-queue.ts';
import type { Command, Decision } from './command.ts';
import { KeySet, RowNotLocked } from './key-set.ts';

const COMMAND_TIMEOUT_MS = 5_000;
/** A command whose guess keeps being wrong is given up; more than two rounds were never seen. */
const MAX_ROUNDS = 10;

export interface Executed<A> {
  readonly answer: A;
  /** The newest revision of its batch; undefined when the command changed nothing. */
  readonly revision: number | undefined;
}

export interface CommitLoopOptions {
  readonly store: Store;
  readonly hot: HotState;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly queueLength: number;
  /** The node's own replica takes the commit. */
  readonly onCommit: (commit: LoggedCommit) => void;
  readonly publish: (envelope: OutgoingEnvelope) => void;
  /** The database has a new timeline: opens a new epoch. */
  readonly openEpoch: () => Promise<void>;
  /** The database cannot be reached (with the reason), or can be reached again. */
  readonly onDatabase: (failure: string | undefined) => void;
}

/** What became of one command in one attempt. */
type Outcome = { readonly decision: Decision<unknown> } | { readonly refusal: unknown };

export class CommitLoop {
  readonly #options: CommitLoopOptions;
  readonly #queue: CommandQueue;
  readonly #batchSize: Histogram;
  readonly #commitSeconds: Histogram;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(options: CommitLoopOptions) {
    this.#options = options;
    this.#queue = new CommandQueue(options.queueLength);
    this.#batchSize = options.metrics.histogram(
      'commit_batch_commands',
      'Commands in one commit',
      [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
    );
    this.#commitSeconds = options.metrics.histogram(
      'commit_seconds',
      'Lock, decide, write and commit one batch',
      [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5],
    );
    options.metrics.gauge(
      'commit_queue_commands',
      'Commands that wait for a commit (at most commit_queue_length)',
      () => this.#queue.length,
    );
  }

  /** Resolves when the command is committed. Rejects with ChatError when refused, `unavailable` when it should be tried later. */
  execute<A>(command: Command<A>): Promise<Executed<A>> {
    if (this.#stopped) return Promise.reject(tryLater('this node is stopping'));
    return new Promise<Executed<A>>((resolve, reject) => {
      const pending: Pending = {
        command,
        deadlineMs: this.#options.clock.nowMs() + COMMAND_TIMEOUT_MS,
        rounds: 0,
        extraKeys: [],
        resolve: resolve as (executed: Executed<unknown>) => void,
        reject,
      };
      if (!this.#queue.push(pending)) {
        reject(tryLater('too many commands are waiting'));
        return;
      }
      this.#running ??= this.#run();
    });
  }

  /** Finishes the commands in flight; new ones are refused. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    await Promise.resolve(); // commands of the same tick share the first batch
    for (let batch = this.#queue.takeBatch(); batch.length > 0; batch = this.#queue.takeBatch()) {
      const startedMs = this.#options.clock.nowMs();
      this.#batchSize.observe(batch.length);
      await this.#process(batch);
      this.#commitSeconds.observe((this.#options.clock.nowMs() - startedMs) / 1000);
    }
    this.#running = undefined;
  }

  /** Tries the batch until its outcome is known or its commands have timed out. Never rejects. */
  async #process(batch: readonly Pending[]): Promise<void> {
    const batchId = randomUUID();
    let undecided = batch;
    let lastTry: Attempt | undefined;
    for (let attempt = 0; undecided.length > 0; attempt++) {
      const current = new Attempt(undecided, lastTry);
      try {
        await this.#attempt(batchId, current, attempt > 0);
        this.#options.onDatabase(undefined);
        return;
      } catch (error) {
        const kind = error instanceof StoreFailure ? error.kind : 'bug';
        if (kind === 'unknown') lastTry = current;
        if (kind !== 'disconnected' && kind !== 'unknown') await this.#options.store.rollback();
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
            await this.#options.openEpoch().catch((failure: unknown) => this.#options.log.warn('epoch-not-opened', { error: failure }));
            break;
          case 'exhausted':
          case 'disconnected':
          case 'unknown':
            this.#options.onDatabase(error instanceof Error ? error.message : String(error));
            break;
          case 'retry':
            this.#options.log.debug('batch-retried', { error });
        }
      }
      await wait(Math.min(20 * 2 ** attempt, 500) * (0.5 + Math.random()), undefined, { ref: true });
      undecided = this.#dropExpired(undecided);
    }
  }

  async #attempt(batchId: string, attempt: Attempt, isRetry: boolean): Promise<void> {
    const { store, hot } = this.#options;
    const keys = new KeySet();
    for (const { command, extraKeys } of attempt.batch) {
      command.addKeys(keys, hot);
      for (const extra of extraKeys) extra.addTo(keys);
    }
    const locked = await store.begin(batchId, keys, isRetry);
    if (locked.committed !== undefined && attempt.before !== undefined) {
      await store.rollback();
      this.#deliver(attempt.before, locked.committed); // it was committed after all: the answers decided then
      return;
    }
    const rows = new BatchRows(keys, locked);
    attempt.decide(rows, locked.nowUs);
    const { changes } = attempt;
    if (changes.length === 0) {
      await store.rollback();
      this.#deliver(attempt, undefined);
      return;
    }
    const range = await store.commit(batchId, {
      visitors: [...rows.visitors.touched.values()],
      chats: [...rows.chats.touched.values()],
      operators: [...rows.operators.touched.values()],
      departments: [...rows.departments.touched.values()],
      messages: [...rows.messages.touched.values()],
      endedPageIds: changes.filter(change => change.type === 'page-ended').map(change => change.pageId),
      endedOperatorSessions: changes.filter(change => change.type === 'operator-sessions-ended'),
      changeCount: changes.length,
      changesJson: attempt.changesJson(),
      leaseToken: attempt.batch[0]?.command.leaseToken,
    });
    this.#deliver(attempt, range);
  }

  /** Answers, feeds the own replica, publishes; commands with a wrong guess go to the next batch. */
  #deliver(attempt: Attempt, range: CommittedRange | undefined): void {
    for (const [pending, outcome] of attempt.outcomes) {
      if ('refusal' in outcome) {
        if (!(outcome.refusal instanceof RowNotLocked)) pending.reject(outcome.refusal);
        else if (!this.#requeue(pending, outcome.refusal)) pending.reject(tryLater('the rows of this command keep changing'));
      } else {
        const changed = outcome.decision.changes.length > 0;
        pending.resolve({ answer: outcome.decision.answer, revision: changed ? range?.last : undefined });
      }
    }
    if (range === undefined) return;
    const changesJson = attempt.changesJson();
    this.#options.onCommit({ ...range, changes: attempt.changes, bytes: changesJson.length });
    this.#options.publish({ ...range, changesJson });
  }

  #requeue(pending: Pending, missing: RowNotLocked): boolean {
    pending.extraKeys.push(missing);
    pending.rounds += 1;
    if (pending.rounds > MAX_ROUNDS) return false;
    this.#queue.pushFirst(pending);
    return true;
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
    await this.#process(batch.slice(0, middle));
    await this.#process(batch.slice(middle));
  }

  /** Rejects what has waited too long, in the batch and in the queue. */
  #dropExpired(batch: readonly Pending[]): readonly Pending[] {
    const nowMs = this.#options.clock.nowMs();
    const expired = [...batch.filter(pending => pending.deadlineMs <= nowMs), ...this.#queue.takeExpired(nowMs)];
    for (const pending of expired) pending.reject(tryLater('the database does not answer'));
    return batch.filter(pending => pending.deadlineMs > nowMs);
  }
}

/** One try of a batch: the outcome of each command and the changes of all. */
class Attempt {
  readonly batch: readonly Pending[];
  /** The earlier try whose commit may have succeeded. */
  readonly before: Attempt | undefined;
  readonly outcomes = new Map<Pending, Outcome>();
  readonly changes: Change[] = [];
  #json: string | undefined;

  constructor(batch: readonly Pending[], before: Attempt | undefined) {
    this.batch = batch;
    this.before = before;
  }

  decide(rows: BatchRows, nowUs: number): void {
    for (const pending of this.batch) {
      try {
        const decision = pending.command.decide(rows, nowUs);
        rows.fold(decision.changes);
        for (const change of decision.changes) this.changes.push(change);
        this.outcomes.set(pending, { decision });
      } catch (error) {
        if (!(error instanceof ChatError) && !(error instanceof RowNotLocked)) throw error; // a bug: the batch is split
        this.outcomes.set(pending, { refusal: error });
      }
    }
  }

  /** Serialised once: for the log and for the envelope. */
  changesJson(): string {
    this.#json ??= JSON.stringify(this.changes);
    return this.#json;
  }
}

function tryLater(why: string): ChatError {
  return new ChatError('unavailable', 'server-not-ready', why);
}
