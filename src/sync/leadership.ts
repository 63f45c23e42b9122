/**
 * Who does the master's jobs. The lease is one row of the database, renewed by the heartbeat and checked again inside
 * every write of a leader: what stands here only decides when a node may try. A holder stops leading by its own
 * monotonic clock before the lease ends, so a paused or cut-off one is silent before another begins.
 *
 *   nobody ── free, and this node may ──> leads ── renewed each second ──> leads
 *                                         leads ── not renewed in time ──> stepped down
 *                                         leads ── planned, promoted, failback ──> handed over, in one statement
 */
import type { Clock, Heartbeat, Log, Metrics, Registry } from '../ports/index.ts';

/** The holder stops leading this long before the lease ends by its own clock. */
const MARGIN_MS = 500;
/** Candidates look again this soon after the lease has ended, not all in one moment. */
const SPREAD_MS = 30;
/** How often a candidate looks at a lease that is free but not for it to take. */
const LOOK_AGAIN_MS = 250;

export type HandOverReason = 'planned' | 'promoted' | 'failback';

export interface LeadershipOptions {
  readonly registry: Pick<Registry, 'handLease'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly leaseSeconds: number;
  /** Called when this node begins or ceases to lead. */
  readonly onChange: (leads: boolean) => void;
  /** Tells the new holder, so that it does not wait for its next heartbeat. May be lost. */
  readonly tell: (holder: string) => void;
}

interface Lease {
  readonly token: number;
  readonly untilMs: number;
}

export class Leadership {
  readonly #options: LeadershipOptions;
  readonly #changes;
  #isCandidate = false;
  #lease: Lease | undefined;
  #stepDown: NodeJS.Timeout | undefined;
  #leader: string | undefined;
  /** When the lease ends by this node's clock, whoever holds it. */
  #endsAtMs = 0;
  #handing: Promise<void> | undefined;

  constructor(options: LeadershipOptions) {
    this.#options = options;
    const { metrics, clock, leaseSeconds } = options;
    this.#changes = metrics.labelled('leader_changes_total', 'Times this node began to lead, by reason', 'reason');
    metrics.gauge('leader', '1 while this node leads', () => (this.token === undefined ? 0 : 1));
    metrics.gauge('lease_age_seconds', 'Seconds since the lease was renewed, whoever holds it', () =>
      Math.max(0, leaseSeconds - (this.#endsAtMs - clock.nowMs()) / 1000),
    );
  }

  /** The fencing token while this node leads for certain. */
  get token(): number | undefined {
    if (this.#handing !== undefined || this.#lease === undefined) return undefined;
    return this.#options.clock.nowMs() < this.#lease.untilMs ? this.#lease.token : undefined;
  }

  /** Who holds the lease, as last seen. */
  get leader(): string | undefined {
    return this.#leader;
  }

  /** Should the next heartbeat renew or take the lease? */
  get claims(): boolean {
    return this.#isCandidate && this.#handing === undefined;
  }

  /** When a candidate wants the next heartbeat at the latest: as soon as the lease may be free. */
  get nextBeatInMs(): number {
    if (!this.#isCandidate || this.#lease !== undefined) return Number.POSITIVE_INFINITY;
    const leftMs = this.#endsAtMs - this.#options.clock.nowMs();
    return leftMs > 0 ? leftMs + Math.random() * SPREAD_MS : LOOK_AGAIN_MS;
  }

  /** From the next heartbeat on this node takes the lease when it may. */
  stand(): void {
    this.#isCandidate = true;
  }

  /** Stands no more and passes the lease on, if it has it. Never rejects: a lease that cannot be passed on expires. */
  async resign(): Promise<void> {
    this.#isCandidate = false;
    await this.#handOver(null, 'planned');
    this.#set(undefined, '');
  }

  /** What a heartbeat said. `sentMs`: when it was asked, so that the lease never seems longer than it is. Never rejects. */
  async observe({ lease }: Heartbeat, sentMs: number): Promise<void> {
    this.#leader = lease !== undefined && lease.expiresInMs > 0 ? lease.holder : undefined;
    this.#endsAtMs = sentMs + (lease?.expiresInMs ?? 0);
    if (lease?.mine !== true) {
      this.#set(undefined, 'another node leads');
      return;
    }
    if (this.#handing !== undefined) return;
    if (!this.#isCandidate) {
      await this.#passOn({ token: lease.token, untilMs: this.#endsAtMs - MARGIN_MS });
      return;
    }
    const isNew = this.#lease?.token !== lease.token;
    this.#set({ token: lease.token, untilMs: this.#endsAtMs - MARGIN_MS }, '');
    if (isNew) {
      this.#changes.inc(lease.reason);
      this.#options.log.info('lease-held', { fence: lease.token, reason: lease.reason });
      this.#options.onChange(true);
    }
    if (lease.handTo !== undefined) void this.#handOver(lease.handTo.node, lease.handTo.reason);
  }

  /** Whoever led has given it to this node in the moment in which it resigned itself. */
  async #passOn(lease: Lease): Promise<void> {
    this.#lease = lease;
    await this.#handOver(null, 'planned');
    this.#set(undefined, '');
  }

  stop(): void {
    this.#isCandidate = false;
    this.#set(undefined, 'this node stops');
  }

  /** `to` null: to whoever is ready. */
  #handOver(to: string | null, reason: HandOverReason): Promise<void> {
    if (this.token === undefined) return this.#handing ?? Promise.resolve();
    this.#handing = this.#hand(to, reason);
    return this.#handing;
  }

  async #hand(to: string | null, reason: HandOverReason): Promise<void> {
    const { registry, log, onChange, tell } = this.#options;
    onChange(false); // what is in flight with the old token is refused by the database, and planned again by the next one
    const fence = this.#lease?.token;
    try {
      const holder = await registry.handLease(to, reason);
      if (holder === undefined) return; // the one it was meant for is gone, or the lease was lost: the next heartbeat says
      this.#set(undefined, '');
      log.info('lease-handed-over', { fence, reason, to: holder === '' ? null : holder });
      this.#leader = holder === '' ? undefined : holder;
      if (holder !== '') tell(holder);
    } catch (error) {
      log.warn('lease-not-handed-over', { error });
    } finally {
      this.#handing = undefined;
      if (this.token !== undefined && this.#isCandidate) onChange(true); // still ours: go on
    }
  }

  #set(lease: Lease | undefined, why: string): void {
    const before = this.#lease;
    this.#lease = lease;
    clearTimeout(this.#stepDown);
    if (lease !== undefined) {
      this.#stepDown = setTimeout(
        () => this.#set(undefined, 'the lease was not renewed in time'),
        lease.untilMs - this.#options.clock.nowMs(),
      );
      return;
    }
    if (before === undefined || why === '') return;
    // The token was gone at `untilMs` already; a busy event loop says so late.
    const silentMs = Math.max(0, Math.round(this.#options.clock.nowMs() - before.untilMs));
    this.#options.log.warn('stepped-down', { fence: before.token, reason: why, silentMs });
    this.#options.onChange(false);
  }
}
