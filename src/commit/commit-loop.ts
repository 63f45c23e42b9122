/**
 * The commit loop: the one writer of a node. Commands that arrive while a commit is in flight wait and go together
 * in the next one (the commit in flight is the timer; at low load a batch is one command).
 *
 *   execute → queue → [ decide each on the replica's rows → check that they are still so, write, append, commit ]
 *                       what that could not decide: [ lock rows → decide each → write, append, commit ]
 *           → answer, feed the own replica, publish one envelope
 *
 * The first is one round trip in which the server never waits for this node, and nearly always enough: rows change
 * between two messages of a chat only when both sides write within a millisecond.
 *
 * A command is answered only when its outcome is certain, or with `unavailable` after COMMAND_TIMEOUT_MS: the sender
 * tries again under the same client id, which is harmless.
 */
import { randomUUID } from 'node:crypto';
import { setImmediate as immediate } from 'node:timers/promises';
import { ChatError } from '../domain/error.ts';
import type { HotState } from '../domain/state.ts';
import type { Microseconds } from '../domain/time.ts';
import {
  type Clock,
  type Counter,
  type CommittedRange,
  type Histogram,
  type Log,
  type LoggedCommit,
  type Metrics,
  type OutgoingEnvelope,
  type Store,
  StoreFailure,
} from '../ports/index.ts';
import { Attempt } from './attempt.ts';
import { ChatIds } from './chat-ids.ts';
import { CommandQueue, keysOf, type Pending } from './command-queue.ts';
import type { Command, Executed } from './command.ts';
import { GuessedRows, type NewcomerRows } from './guessed-rows.ts';
import { RowNotLocked } from './key-set.ts';
import { type CommittedBatch, LockedCommits, type Tried } from './locked-commits.ts';

const COMMAND_TIMEOUT_MS = 5_000;
/** A command whose guess keeps being wrong is given up; more than two rounds were never seen. */
const MAX_ROUNDS = 10;
/** So many waiting commands are sent behind the commit in flight, for the database to go on with; fewer wait for its end. */
const WORTH_A_SECOND = 64;

export interface CommitLoopOptions {
  readonly store: Store;
  readonly hot: HotState;
  readonly clock: Clock;
  /** The database's time; without it nothing is guessed. */
  readonly nowUs?: () => Microseconds;
  /** Without them first chats are begun under locks. */
  readonly newcomers?: NewcomerRows;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly queueLength: number;
  /** The node's own replica takes the commit. */
  readonly onCommit: (commit: LoggedCommit) => void;
  readonly publish: (envelope: OutgoingEnvelope) => void;
  /** The database is not what it was: opens a new epoch. */
  readonly openEpoch: () => Promise<unknown>;
  /** The database cannot be reached (with the reason), or can be reached again. */
  readonly onDatabase: (failure: string | undefined) => void;
}

/** What a guess left to be decided under locks. */
interface Guessed {
  readonly left: readonly Pending[];
  /** The rest of the batch, which may have been committed. */
  readonly tried?: Tried;
}

export class CommitLoop {
  readonly #options: CommitLoopOptions;
  readonly #queue: CommandQueue;
  readonly #batchSize: Histogram;
  readonly #commitSeconds: Histogram;
  readonly #guessedRows: GuessedRows;
  readonly #locked: LockedCommits;
  readonly #guessed: Counter;
  readonly #stale: Counter;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(options: CommitLoopOptions) {
    this.#options = options;
    this.#queue = new CommandQueue(options.queueLength);
    const chatIds = new ChatIds(count => options.store.reserveChatIds(count), options.clock);
    this.#guessedRows = new GuessedRows(options.hot, options.newcomers, chatIds);
    this.#locked = new LockedCommits({
      ...options,
      onWritten: (write, range) => {
        this.#guessedRows.sent(write)(range.last);
        for (const { id } of write.chats.created) chatIds.skipTo(id);
      },
      deliver: (attempt, committed) => this.#deliver(attempt, committed),
      dropExpired: batch => this.#dropExpired(batch),
    });
    this.#guessed = options.metrics.counter('commits_guessed_total', 'Commits decided on the replica and stored in one round trip');
    this.#stale = options.metrics.counter('commits_stale_total', 'Batches decided again under locks because their rows had changed');
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
    let flying: Promise<Guessed> | undefined;
    for (;;) {
      if (flying === undefined) {
        // Commands that were read in one go share a batch, and answers leave before the next one is made: a write that wakes
        // another process takes 0.4 ms of ours.
        await immediate();
        const batch = this.#queue.takeBatch();
        if (batch.length === 0) break;
        flying = this.#guess(batch);
      }
      await Promise.race([flying, this.#queue.hasAtLeast(WORTH_A_SECOND)]);
      const behind: Promise<Guessed> | undefined = this.#queue.length >= WORTH_A_SECOND ? this.#guess(this.#queue.takeBatch()) : undefined;
      const guessed = await flying;
      flying = behind;
      if (guessed.left.length === 0 && guessed.tried === undefined) continue;
      // What needs locks has the connection for itself, and the order of batches holds.
      const guessedBehind = await behind;
      flying = undefined;
      await this.#underLocks(guessed);
      if (guessedBehind !== undefined) await this.#underLocks(guessedBehind);
    }
    this.#running = undefined;
  }

  /** Decides what can be decided on the replica's rows and commits it, all of it or nothing. Never rejects. */
  async #guess(batch: readonly Pending[]): Promise<Guessed> {
    const { store, hot, nowUs, clock } = this.#options;
    this.#batchSize.observe(batch.length);
    if (nowUs === undefined) return { left: batch };
    const startedMs = clock.nowMs();
    const batchId = randomUUID();
    const attempt = new Attempt();
    let left = batch;
    let range: CommittedRange;
    try {
      const { rows, guess } = this.#guessedRows.find(keysOf(batch, hot), nowUs());
      left = attempt.guess(batch, rows, guess.nowUs, hot);
      if (attempt.changes.length === 0) return { left: batch };
      const write = attempt.write(rows, batch[0]?.command.leaseToken);
      const committed = this.#guessedRows.sent(write);
      range = await store.commitGuess(batchId, guess, write);
      committed(range.last);
    } catch (error) {
      this.#guessedRows.forget();
      const kind = error instanceof StoreFailure ? error.kind : 'bug';
      if (kind === 'unknown') return { left, tried: { batchId, attempt } };
      // Whatever else it is, it is met again under locks, where it is dealt with.
      if (kind === 'stale') this.#stale.inc();
      return { left: batch };
    }
    this.#guessed.inc();
    this.#commitSeconds.observe((clock.nowMs() - startedMs) / 1000);
    this.#options.onDatabase(undefined);
    this.#deliver(attempt, { ...range, batchId });
    return { left };
  }

  async #underLocks({ left, tried }: Guessed): Promise<void> {
    if (left.length === 0 && tried === undefined) return;
    const { store, clock } = this.#options;
    const startedMs = clock.nowMs();
    await store.rollback(); // of a guess that failed
    if (tried !== undefined) await this.#locked.run([...tried.attempt.outcomes.keys()], tried);
    if (left.length > 0) await this.#locked.run(left);
    this.#commitSeconds.observe((clock.nowMs() - startedMs) / 1000);
  }

  /** Answers, feeds the own replica, publishes; commands with a wrong guess go to the next batch. */
  #deliver(attempt: Attempt, committed: CommittedBatch | undefined): void {
    for (const [pending, outcome] of attempt.outcomes) {
      if ('refusal' in outcome) {
        if (!(outcome.refusal instanceof RowNotLocked)) pending.reject(outcome.refusal);
        else if (!this.#requeue(pending, outcome.refusal)) pending.reject(tryLater('the rows of this command keep changing'));
      } else {
        const changed = outcome.decision.changes.length > 0;
        pending.resolve({ answer: outcome.decision.answer, revision: changed ? committed?.last : undefined });
      }
    }
    if (committed === undefined) return;
    const changesJson = attempt.changesJson();
    this.#options.onCommit({ ...committed, changes: attempt.changes, bytes: changesJson.length });
    this.#options.publish({ ...committed, changesJson });
  }

  #requeue(pending: Pending, missing: RowNotLocked): boolean {
    pending.extraKeys.push(missing);
    pending.rounds += 1;
    if (pending.rounds > MAX_ROUNDS) return false;
    this.#queue.pushFirst(pending);
    return true;
  }

  /** Rejects what has waited too long, in the batch and in the queue. */
  #dropExpired(batch: readonly Pending[]): readonly Pending[] {
    const nowMs = this.#options.clock.nowMs();
    const expired = [...batch.filter(pending => pending.deadlineMs <= nowMs), ...this.#queue.takeExpired(nowMs)];
    for (const pending of expired) pending.reject(tryLater('the database does not answer'));
    return batch.filter(pending => pending.deadlineMs > nowMs);
  }
}

function tryLater(why: string): ChatError {
  return new ChatError('unavailable', 'server-not-ready', why);
}
