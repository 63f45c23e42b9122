/**
 * Once a second this node runs one statement: it writes the heartbeat, renews the lease, and learns the database's
 * time, the newest revision and whose name and lease they are. That serves catch-up, liveness, leadership and the
 * guard. While the bus is interrupted it runs more often, because then the log is all there is.
 */
import { ChatError } from '../domain/error.ts';
import type { Microseconds } from '../domain/time.ts';
import { type Clock, type EpochReason, NodeNameHeld, type NodeStats, type Registry } from '../ports/index.ts';
import type { Feed } from './feed.ts';
import type { Health } from './health.ts';
import type { Leadership } from './leadership.ts';
import type { NewestKnown } from './newest-known.ts';
import type { Replica } from './replica.ts';

const EVERY_MS = 1_000;
/** The bound of how late a change is noticed with the broker away. */
const EVERY_WITHOUT_BUS_MS = 100;

export interface HeartbeatOptions {
  readonly registry: Registry;
  readonly incarnation: string;
  readonly feed: Feed;
  readonly replica: Replica;
  readonly known: NewestKnown;
  readonly health: Health;
  readonly leadership: Leadership;
  readonly clock: Clock;
  readonly isBusConnected: () => boolean;
  /** What the others are told of this node. */
  readonly stats: () => Promise<NodeStats>;
  /** The node's name belongs to another process now: this one must stop. */
  readonly onNameLost: () => void;
  /** The database was set back, and revisions begin anew. */
  readonly onEpoch: (reason: EpochReason) => void;
  /** An administrator wants this node drained, or back. */
  readonly onDrainWish: (drain: boolean) => void;
}

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #clockOffsetUs = 0;
  #loop: Promise<void> | undefined;
  #stopped = false;
  /** Somebody wanted a beat while one was under way. */
  #again = false;
  readonly #askAgain = (): void => {
    this.#again = true;
  };
  /** Ends the present pause; there is none during a beat. */
  #wake: () => void = this.#askAgain;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** The database's time, carried on by this node's monotonic clock. */
  nowUs(): Microseconds {
    return Math.round(this.#options.clock.nowMs() * 1000 + this.#clockOffsetUs);
  }

  async start(): Promise<void> {
    await this.#beat();
    this.#loop = this.#run();
  }

  /** Does not wait for the next second; during a beat: another one right behind it. */
  beatNow(): void {
    this.#wake();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { health, leadership, isBusConnected } = this.#options;
    for (;;) {
      await this.#pause(Math.min(isBusConnected() ? EVERY_MS : EVERY_WITHOUT_BUS_MS, leadership.nextBeatInMs));
      if (this.#stopped) return;
      try {
        await this.#beat();
        health.report('database', 'paused', undefined);
      } catch (error) {
        // The cause has the words for the administrator.
        const why = error instanceof ChatError && error.cause instanceof Error ? error.cause : error;
        health.report('database', 'paused', why instanceof Error ? why.message : String(why));
      }
    }
  }

  #pause(ms: number): Promise<void> {
    if (this.#stopped || this.#again) {
      this.#again = false;
      return Promise.resolve();
    }
    return new Promise(resolve => {
      const end = (): void => {
        clearTimeout(timer);
        this.#wake = this.#askAgain;
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#wake = end;
    });
  }

  /** False: another process lives under this name, and this one must end. */
  async #keepsName(): Promise<boolean> {
    const { registry, leadership, onNameLost } = this.#options;
    try {
      await registry.register();
      return true;
    } catch (error) {
      if (!(error instanceof NodeNameHeld)) throw error;
      leadership.stop();
      onNameLost();
      return false;
    }
  }

  async #beat(): Promise<void> {
    const { registry, incarnation, feed, replica, known, health, leadership, clock, stats, onEpoch, onDrainWish } = this.#options;
    const own = await stats();
    const sentMs = clock.nowMs();
    const beat = await registry.beat({
      state: health.state,
      revision: replica.revision,
      known: known.commit,
      claims: leadership.claims,
      stats: own,
    });
    if (beat.epochReason !== undefined) onEpoch(beat.epochReason);
    // The row is gone or another's: the name was taken over, or the database was set back and shows a run that is long over.
    if (beat.incarnation !== incarnation && !(await this.#keepsName())) return;
    this.#clockOffsetUs = beat.nowUs - clock.nowMs() * 1000;
    await leadership.observe(beat, sentMs);
    feed.newestIs(beat.revision);
    onDrainWish(beat.drain);
  }
}
