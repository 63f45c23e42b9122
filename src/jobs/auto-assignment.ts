/**
 * The master's first job: gives waiting chats to operators. Woken by the changes that can make an assignment possible,
 * with a slow sweep as a safety net; its work follows from the replica alone, so a new master needs no memory of the
 * old one's.
 */
import { assignChat } from '../commands/assign-chat.ts';
import type { CommitLoop } from '../commands/commit-loop.ts';
import { planAssignments } from '../domain/assignment.ts';
import type { Change } from '../domain/change.ts';
import { ChatError } from '../domain/error.ts';
import type { Log, Metrics } from '../ports.ts';
import type { Feed } from '../sync/feed.ts';
import type { Replica } from '../sync/replica.ts';

const BATCH = 200;
const SWEEP_EVERY_MS = 5_000;
const REPLICA_PATIENCE_MS = 1_000;

const WAKES: ReadonlySet<Change['type']> = new Set([
  'chat-opened',
  'chat-released',
  'chat-taken',
  'chat-closed',
  'operator-status-set',
  'operator-saved',
]);

export interface AutoAssignmentOptions {
  readonly replica: Replica;
  readonly feed: Feed;
  readonly loop: CommitLoop;
  readonly defaultMaxChats: number;
  /** The fencing token while this node leads. */
  readonly leaseToken: () => number | undefined;
  readonly log: Log;
  readonly metrics: Metrics;
}

export class AutoAssignment {
  readonly #options: AutoAssignmentOptions;
  #dirty = true;
  #running: Promise<void> | undefined;
  #sweep: NodeJS.Timeout | undefined;

  constructor(options: AutoAssignmentOptions) {
    this.#options = options;
    options.replica.listen({
      applied: ({ change }) => {
        if (WAKES.has(change.type)) this.#dirty = true;
      },
      committed: () => this.wake(false),
      reloaded: () => this.wake(),
    });
  }

  start(): void {
    this.#sweep = setInterval(() => this.wake(), SWEEP_EVERY_MS);
    this.wake();
  }

  async stop(): Promise<void> {
    clearInterval(this.#sweep);
    this.#sweep = undefined;
    await this.#running;
  }

  /** Looks at the queue again. `changed` false: only if something was marked. */
  wake(changed = true): void {
    this.#dirty ||= changed;
    if (!this.#dirty || this.#sweep === undefined || this.#options.leaseToken() === undefined) return;
    this.#running ??= this.#run()
      .catch((error: unknown) => this.#options.log.error('assignment-failed', { error }))
      .finally(() => {
        this.#running = undefined;
        this.wake(false); // marked after the last look and before this
      });
  }

  async #run(): Promise<void> {
    const { replica, feed, loop, defaultMaxChats, leaseToken, log, metrics } = this.#options;
    const assigned = metrics.counter('assignments_total', 'Chats given to operators by this node');
    while (this.#dirty && this.#sweep !== undefined) {
      this.#dirty = false;
      const token = leaseToken();
      if (token === undefined) return;
      const plan = planAssignments(replica.chats.values(), replica.operators.values(), defaultMaxChats, BATCH);
      if (plan.length === 0) continue;
      const outcomes = await Promise.allSettled(plan.map(one => loop.execute(assignChat({ ...one, defaultMaxChats, leaseToken: token }))));
      let newest = 0;
      for (const outcome of outcomes) {
        if (outcome.status === 'fulfilled') {
          newest = Math.max(newest, outcome.value.revision ?? 0);
          assigned.inc();
        } else if (!(outcome.reason instanceof ChatError)) {
          log.error('assignment-failed', { error: outcome.reason });
        }
      }
      // The next plan must see this one's effects. A refused one was decided on newer rows: those are on their way too.
      if (newest > 0) await feed.reached(newest, REPLICA_PATIENCE_MS);
      if (plan.length === BATCH) this.#dirty = true;
    }
  }
}
