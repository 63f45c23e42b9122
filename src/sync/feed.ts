/**
 * Takes commits from three sources (this node's own, the bus, the log) and hands them to the replica in revision
 * order: what is not newer is dropped, what is early is held a moment, and then the hole is read from the log.
 * Whatever the bus loses, doubles or reorders, the replica ends in the same state (I4).
 */
import { epochOf, type Revision } from '../domain/change.ts';
import {
  type ChangeLog,
  type Clock,
  type Counter,
  type IncomingEnvelope,
  type Log,
  type LoggedCommit,
  type Metrics,
  severityOf,
  type Snapshots,
} from '../ports/index.ts';
import type { NewestKnown } from './newest-known.ts';
import { type Replica, UnknownChange } from './replica.ts';

/** How long the bus may bring what is missing before the log is read: it is usually behind by less than 5 ms. */
const PATIENCE_MS = 50;
/** Early commits held at most; more than that is quicker to read from the log. */
const MAX_EARLY = 1_000;
/** Behind by more than this, a new snapshot is cheaper than the log. */
const MAX_BEHIND = 200_000;

export interface FeedOptions {
  readonly replica: Replica;
  /** Is told of each commit. */
  readonly known: NewestKnown;
  readonly log: ChangeLog;
  readonly snapshots: Snapshots;
  readonly clock: Clock;
  /** False while the bus is interrupted: then waiting for it would be in vain. */
  readonly busDelivers?: () => boolean;
  readonly logger: Log;
  readonly metrics: Metrics;
}

export class Feed {
  readonly #options: FeedOptions;
  readonly #early = new Map<Revision, LoggedCommit>();
  readonly #waiters: { revision: Revision; resolve: () => void }[] = [];
  readonly #holes: Counter;
  readonly #logReads: Counter;
  readonly #dropped: Counter;
  readonly #reloads: Counter;
  /** The newest revision that exists for certain, as far as this node was told. */
  #newest: Revision = 0;
  /** When the replica was last as new as could be. */
  #currentAtMs = 0;
  #patience: NodeJS.Timeout | undefined;
  #catchingUp: Promise<void> | undefined;
  #readAgain = false;
  #stopped = false;

  constructor(options: FeedOptions) {
    this.#options = options;
    const { metrics, replica } = options;
    this.#holes = metrics.counter('feed_holes_repaired_total', 'Missing commits that were read from the log after an early one had come');
    this.#logReads = metrics.counter('feed_log_polls_total', 'Reads of the log because the bus had not told of a commit');
    this.#dropped = metrics.counter('feed_dropped_total', 'Commits that came again or too late');
    this.#reloads = metrics.counter('replica_reloads_total', 'Times the replica was loaded by a snapshot, the start included');
    metrics.gauge('feed_early_commits', 'Commits held until the ones before them come (at most 1000)', () => this.#early.size);
    metrics.gauge('feed_waiters', 'Clients that wait for a revision (1 s at most)', () => this.#waiters.length);
    metrics.gauge('replica_revision', 'Newest revision applied', () => replica.revision);
    metrics.gauge('replica_chats', 'Open chats in memory', () => replica.chats.size);
  }

  /** Revisions that are known to exist and not applied yet. */
  get lag(): number {
    return Math.max(0, this.#newest - this.#options.replica.revision);
  }

  /** Since when there have been any. */
  get lagSeconds(): number {
    return this.lag === 0 ? 0 : Math.round((this.#options.clock.nowMs() - this.#currentAtMs) / 100) / 10;
  }

  async start(): Promise<void> {
    await this.#reload();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#patience);
    this.#early.clear();
    for (const waiter of this.#waiters.splice(0)) waiter.resolve();
  }

  /** A commit of this node. */
  own(commit: LoggedCommit): void {
    this.#take(commit);
  }

  /** An envelope of another node. Without changes it only says how far the log is. */
  envelope(envelope: IncomingEnvelope): void {
    const { changes, ...range } = envelope;
    const { last } = range;
    if (changes !== undefined) this.#take({ ...range, changes });
    else if (last > this.#options.replica.revision) {
      this.#options.known.saw(last, range.batchId);
      this.#newest = Math.max(this.#newest, last);
      this.#catchUpNow(); // nothing else will bring them
    }
  }

  /** The heartbeat read the newest revision from the database. */
  newestIs(revision: Revision): void {
    this.#newest = Math.max(this.#newest, revision);
    const { replica } = this.#options;
    if (epochOf(revision) !== replica.epoch) {
      this.#newest = revision; // also when it is lower: the database was restored
      this.#options.logger.warn('epoch-changed', { from: replica.revision, to: revision });
      this.#catchUpNow();
    } else if (replica.revision < revision) {
      this.#readLogUnlessHealed();
    } else {
      this.#currentAtMs = this.#options.clock.nowMs();
    }
  }

  /** Resolves when the replica has this revision, or false after `withinMs`. */
  async reached(revision: Revision, withinMs: number): Promise<boolean> {
    const { replica } = this.#options;
    if (replica.revision >= revision) return true;
    this.#readLogUnlessHealed();
    await new Promise<void>(resolve => {
      const waiter = {
        revision,
        resolve: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      // Who has waited long enough is not waited for: a client may name a revision that will never be.
      const timer = setTimeout(() => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        resolve();
      }, withinMs);
      this.#waiters.push(waiter);
    });
    return replica.revision >= revision;
  }

  /** Reads everything behind the replica from the log; a reload when the epoch changed or it is too far behind. */
  async catchUp(): Promise<void> {
    this.#catchingUp ??= this.#readLogToItsEnd().finally(() => {
      this.#catchingUp = undefined;
      if (this.#mustReadAgain()) this.#catchUpNow(); // told after the last look and before this
    });
    await this.#catchingUp;
  }

  #take(commit: LoggedCommit): void {
    const { replica } = this.#options;
    if (this.#stopped) return;
    this.#options.known.saw(commit.last, commit.batchId);
    this.#newest = Math.max(this.#newest, commit.last);
    if (epochOf(commit.last) !== replica.epoch) {
      this.#catchUpNow();
    } else if (commit.last <= replica.revision) {
      this.#dropped.inc();
    } else if (commit.first === replica.revision + 1) {
      this.#apply(commit);
      this.#applyEarly();
    } else if (commit.first > replica.revision + 1) {
      if (this.#early.size < MAX_EARLY) this.#early.set(commit.first, commit);
      this.#readLogUnlessHealed();
    } else {
      this.#catchUpNow(); // overlaps what is applied: no sender of this version makes such a commit
    }
  }

  #apply(commit: LoggedCommit): void {
    this.#options.known.saw(commit.last, commit.batchId);
    try {
      this.#options.replica.apply(commit);
    } catch (error) {
      // An unknown kind is expected in a rolling upgrade. Anything else is a bug, and memory can be rebuilt from the truth.
      if (error instanceof UnknownChange) this.#options.logger.warn('unknown-change', { reason: error.message }, 'unknown-change');
      else this.#options.logger.error('apply-failed', { revision: commit.first, error });
      this.#reloadSoon();
    }
    this.#wake();
  }

  #applyEarly(): void {
    const { replica } = this.#options;
    for (let next = this.#early.get(replica.revision + 1); next !== undefined; next = this.#early.get(replica.revision + 1)) {
      this.#early.delete(next.first);
      this.#apply(next);
    }
  }

  /** Something is missing: gives the bus a moment to bring it, then reads the log. */
  #readLogUnlessHealed(): void {
    const missing = this.#options.replica.revision + 1;
    this.#patience ??= setTimeout(
      () => {
        this.#patience = undefined;
        const { revision } = this.#options.replica;
        if (revision >= this.#newest && this.#waiters.length === 0) return;
        if (revision >= missing) {
          this.#readLogUnlessHealed(); // that one came; another is missing now
          return;
        }
        if (this.#early.size > 0) this.#holes.inc();
        else this.#logReads.inc();
        this.#catchUpNow();
      },
      this.#options.busDelivers?.() === false ? 0 : PATIENCE_MS,
    );
  }

  #catchUpNow(): void {
    // A read on its way may have passed the place already.
    if (this.#catchingUp !== undefined) this.#readAgain = true;
    this.catchUp().catch((error: unknown) => this.#options.logger[severityOf(error)]('catch-up-failed', { error })); // the next heartbeat tries again
  }

  async #readLogToItsEnd(): Promise<void> {
    this.#readAgain = false;
    const believed = this.#newest;
    await this.#readLog();
    // Nothing is behind what was just read, whatever a hint has said.
    if (this.#newest === believed) this.#newest = this.#options.replica.revision;
  }

  #mustReadAgain(): boolean {
    return this.#readAgain && !this.#stopped;
  }

  async #readLog(): Promise<void> {
    const { replica, log } = this.#options;
    if (epochOf(this.#newest) !== replica.epoch || this.#newest - replica.revision > MAX_BEHIND) {
      await this.#reload();
      return;
    }
    for (let complete = false; !complete && !this.#stopped; ) {
      const page = await log.read(replica.revision);
      complete = page.complete;
      for (const commit of page.commits) {
        if (commit.last <= replica.revision) continue; // the bus brought it meanwhile
        if (commit.first !== replica.revision + 1) {
          await this.#reload(); // the log was pruned behind us, or another epoch began
          return;
        }
        this.#apply(commit);
      }
      for (const first of this.#early.keys()) if (first <= replica.revision) this.#early.delete(first);
      this.#applyEarly();
    }
  }

  #reloadSoon(): void {
    this.#reload().catch((error: unknown) => this.#options.logger.error('reload-failed', { error }));
  }

  async #reload(): Promise<void> {
    const snapshot = await this.#options.snapshots.load();
    if (this.#stopped) return;
    this.#reloads.inc();
    this.#early.clear();
    this.#options.known.saw(snapshot.revision, snapshot.batchId);
    this.#options.replica.load(snapshot);
    this.#newest = snapshot.revision;
    this.#wake();
  }

  #wake(): void {
    const { revision } = this.#options.replica;
    if (revision >= this.#newest) this.#currentAtMs = this.#options.clock.nowMs();
    for (let i = this.#waiters.length - 1; i >= 0; i--) {
      const waiter = this.#waiters[i];
      if (waiter === undefined || waiter.revision > revision) continue;
      this.#waiters.splice(i, 1);
      waiter.resolve();
    }
  }
}
