/**
 * Once a second this node runs one statement: it writes the heartbeat, renews the lease, and learns the database's
 * time, the newest revision and whose name and lease they are. That serves catch-up, liveness, leadership and the
 * guard. While the bus is interrupted it runs more often, because then the log is all there is.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Microseconds } from '../domain/time.ts';
import type { Clock, Log, Registry } from '../ports.ts';
import type { Feed } from './feed.ts';
import type { Health } from './health.ts';
import type { Replica } from './replica.ts';

const EVERY_MS = 1_000;
/** The bound of how late a change is noticed with the broker away. */
const EVERY_WITHOUT_BUS_MS = 100;
/** The holder stops leading this long before the lease ends by its own clock. */
const LEASE_MARGIN_MS = 500;

export interface HeartbeatOptions {
  readonly registry: Registry;
  readonly incarnation: string;
  readonly feed: Feed;
  readonly replica: Replica;
  readonly health: Health;
  readonly clock: Clock;
  readonly log: Log;
  readonly wantsLease: boolean;
  readonly isBusConnected: () => boolean;
  /** The node's name belongs to another process now: this one must stop. */
  readonly onNameLost: () => void;
  readonly onLease: (isLeader: boolean) => void;
}

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #abort = new AbortController();
  #lease: { readonly token: number; readonly untilMs: number } | undefined;
  #leader: string | undefined;
  #clockOffsetUs = 0;
  #loop: Promise<void> | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** Who holds the lease, as last seen. */
  get leader(): string | undefined {
    return this.#leader;
  }

  /** The fencing token while this node leads for certain. */
  get leaseToken(): number | undefined {
    return this.#lease !== undefined && this.#options.clock.nowMs() < this.#lease.untilMs ? this.#lease.token : undefined;
  }

  /** The database's time, carried on by this node's monotonic clock. */
  nowUs(): Microseconds {
    return Math.round(this.#options.clock.nowMs() * 1000 + this.#clockOffsetUs);
  }

  async start(): Promise<void> {
    await this.#beat();
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#setLease(undefined);
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    for (;;) {
      const everyMs = this.#options.isBusConnected() ? EVERY_MS : EVERY_WITHOUT_BUS_MS;
      await wait(everyMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.#beat();
        this.#options.health.report('database', 'paused', undefined);
      } catch (error) {
        this.#options.health.report('database', 'paused', error instanceof Error ? error.message : String(error));
        if (this.leaseToken === undefined) this.#setLease(undefined);
      }
    }
  }

  async #beat(): Promise<void> {
    const { registry, incarnation, feed, replica, health, clock, wantsLease, onNameLost } = this.#options;
    const sentMs = clock.nowMs();
    const beat = await registry.beat({ state: health.state, revision: replica.revision, wantsLease });
    if (beat.incarnation !== undefined && beat.incarnation !== incarnation) {
      this.#setLease(undefined);
      onNameLost();
      return;
    }
    this.#clockOffsetUs = beat.nowUs - clock.nowMs() * 1000;
    this.#leader = beat.lease !== undefined && beat.lease.expiresInMs > 0 ? beat.lease.holder : undefined;
    // Counted from before the question was sent: the lease never seems longer than it is.
    this.#setLease(
      beat.lease?.mine === true ? { token: beat.lease.token, untilMs: sentMs + beat.lease.expiresInMs - LEASE_MARGIN_MS } : undefined,
    );
    feed.newestIs(beat.revision);
  }

  #setLease(lease: { readonly token: number; readonly untilMs: number } | undefined): void {
    const before = this.#lease?.token;
    this.#lease = lease;
    if (before === lease?.token) return;
    this.#options.log.info(lease === undefined ? 'lease-lost' : 'lease-held', { fence: lease?.token ?? before });
    this.#options.onLease(lease !== undefined);
  }
}
