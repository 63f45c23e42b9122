/** An open loop for hours: counters and a ring, nothing kept per message, so that the generator does not grow. */
import { setTimeout as wait } from 'node:timers/promises';
import { Histogram } from './histogram.ts';
import type { Target } from './target.ts';

/** Ids whose arrival is remembered: more than are ever under way (17 minutes at 1,000/s). */
const RING = 2 ** 20;

/** Message i goes out i / rate seconds after the start and belongs to chat i mod chats, so that neither need be remembered. */
export class SteadyTraffic {
  readonly #target: Target;
  readonly #chats: number;
  readonly #rate: number;
  readonly #seen = new Uint8Array(RING);
  readonly #newestOf: Float64Array;
  #delivery = new Histogram();
  #startMs = 0;
  #sent = 0;
  #got = 0;
  #acknowledged = 0;
  #doubled = 0;
  #reordered = 0;

  constructor(target: Target, chats: number, rate: number) {
    this.#target = target;
    this.#chats = chats;
    this.#rate = rate;
    this.#newestOf = new Float64Array(chats).fill(-1);
  }

  delivered(id: number): void {
    if (!(id >= 0 && id < this.#sent)) return; // a chat's first question
    if (this.#seen[id % RING] === 1) {
      this.#doubled += 1;
      return;
    }
    this.#seen[id % RING] = 1;
    this.#got += 1;
    this.#delivery.add(performance.now() - this.#dueMs(id));
    const chat = id % this.#chats;
    if (id < (this.#newestOf[chat] ?? -1)) this.#reordered += 1;
    else this.#newestOf[chat] = id;
  }

  acknowledged(): void {
    this.#acknowledged += 1;
  }

  async sendUntil(endMs: number): Promise<void> {
    this.#startMs = performance.now();
    for (let now = this.#startMs; now < endMs; now = performance.now()) {
      while (this.#dueMs(this.#sent) <= now) {
        this.#seen[this.#sent % RING] = 0;
        this.#target.send(this.#sent % this.#chats, this.#sent);
        this.#sent += 1;
      }
      await wait(1);
    }
  }

  async drain(withinMs: number): Promise<void> {
    for (const end = performance.now() + withinMs; this.#got < this.#sent && performance.now() < end; ) await wait(20);
  }

  counts() {
    const [sent, lost] = [this.#sent, this.#sent - this.#got];
    return { sent, lost, doubled: this.#doubled, reordered: this.#reordered, acknowledged: this.#acknowledged, ...this.#target.extras?.() };
  }

  /** Since it was asked last. */
  takeDelivery() {
    const taken = this.#delivery.percentiles();
    this.#delivery = new Histogram();
    return taken;
  }

  #dueMs(id: number): number {
    return this.#startMs + (id * 1_000) / this.#rate;
  }
}
