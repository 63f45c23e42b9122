/**
 * Work that is done a few at a time, in turns between lanes: a lane that brings much waits for itself, and another one's first
 * piece is next. Used for what a stranger can ask for and costs a core. It never holds more than it says, and never
 * works on more at once.
 */
import { ChatError } from '../domain/error.ts';

export interface FairQueueOptions {
  readonly atOnce: number;
  readonly atOncePerLane: number;
  /** In all lanes; more are refused as `unavailable`. */
  readonly waiting: number;
  /** More are refused as `too-many-attempts`. */
  readonly waitingPerLane: number;
}

interface Lane {
  running: number;
  readonly waiting: (() => void)[];
}

export class FairQueue {
  readonly #options: FairQueueOptions;
  /** Whose turn is next comes first. */
  readonly #lanes = new Map<string, Lane>();
  #running = 0;
  #waiting = 0;

  constructor(options: FairQueueOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting;
  }

  async run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const lane = this.#lanes.get(name) ?? { running: 0, waiting: [] };
    this.#lanes.set(name, lane);
    // Nobody is overtaken: with a place left, only those wait whose lane has all that it may.
    if (this.#running < this.#options.atOnce && lane.running < this.#options.atOncePerLane) this.#begin(lane);
    else await this.#turnOf(lane);
    try {
      return await work();
    } finally {
      this.#running -= 1;
      lane.running -= 1;
      if (lane.running === 0 && lane.waiting.length === 0) this.#lanes.delete(name);
      this.#next();
    }
  }

  #turnOf(lane: Lane): Promise<void> {
    const { waiting, waitingPerLane } = this.#options;
    if (lane.waiting.length >= waitingPerLane)
      throw new ChatError('rate-limited', 'too-many-attempts', 'too many at once from this address', { retryAfterMs: 1_000 });
    if (this.#waiting >= waiting) throw new ChatError('unavailable', 'server-not-ready', 'too many at once');
    this.#waiting += 1;
    return new Promise(resolve => lane.waiting.push(resolve));
  }

  #next(): void {
    for (const [name, lane] of this.#lanes) {
      if (lane.waiting.length === 0 || lane.running >= this.#options.atOncePerLane) continue;
      this.#lanes.delete(name); // to the end
      this.#lanes.set(name, lane);
      this.#waiting -= 1;
      this.#begin(lane);
      lane.waiting.shift()?.();
      return;
    }
  }

  #begin(lane: Lane): void {
    this.#running += 1;
    lane.running += 1;
  }
}
