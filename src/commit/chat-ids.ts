/**
 * Ids for the first chats of visitors, reserved beforehand so that such a chat is begun without locks. Only for first ones:
 * a further chat gets its id under locks, so that of one visitor's chats the newer one has the greater id. Ids of this
 * node's chats follow the time, those of two nodes but for the seconds for which some are kept.
 */
import type { Clock } from '../ports/index.ts';

const BLOCK = 64;
const LOW = 32;
const KEPT_MS = 5_000;

export class ChatIds {
  readonly #reserve: (count: number) => Promise<number[]>;
  readonly #clock: Clock;
  #ids: number[] = [];
  #expiresMs = 0;
  /** The newest one that a chat of this node got under locks. */
  #floor = 0;
  #reserving = false;

  constructor(reserve: (count: number) => Promise<number[]>, clock: Clock) {
    this.#reserve = reserve;
    this.#clock = clock;
  }

  /** The list itself: who uses an id takes it off. May be empty; then there are some a moment later. */
  available(): number[] {
    if (this.#clock.nowMs() > this.#expiresMs) this.#ids = [];
    if (this.#ids.length < LOW && !this.#reserving) void this.#refill();
    return this.#ids;
  }

  /** A chat got this one under locks: older ones are not used any more. */
  skipTo(id: number): void {
    this.#floor = Math.max(this.#floor, id);
    this.#ids = this.#ids.filter(reserved => reserved > this.#floor);
  }

  async #refill(): Promise<void> {
    this.#reserving = true;
    try {
      this.#ids = (await this.#reserve(BLOCK)).filter(id => id > this.#floor);
      this.#expiresMs = this.#clock.nowMs() + KEPT_MS;
    } catch {
      // Without the database nothing is begun; locks get their ids with it.
    } finally {
      this.#reserving = false;
    }
  }
}
