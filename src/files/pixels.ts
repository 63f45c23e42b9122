/**
 * Pictures that are decoded at once, bounded by their pixels: a decoded one takes four bytes for each, and a file of a few
 * kilobytes may have fifty million. Those for whom there is no room wait in order of their coming. Used by images.ts.
 */
import { ChatError } from '../domain/error.ts';

const MAX_WAITING = 50;
const MAX_WAIT_MS = 20_000;

export class PixelRoom {
  readonly #max: number;
  readonly #waiting = new Set<{ readonly pixels: number; readonly begin: () => void }>();
  #used = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get used(): number {
    return this.#used;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Throws ChatError `unavailable` when too many wait, or it takes too long. A picture larger than all the room is let in alone. */
  async with<T>(pixels: number, decode: () => Promise<T>): Promise<T> {
    if (this.#waiting.size > 0 || !this.#fits(pixels)) await this.#wait(pixels);
    else this.#used += pixels;
    try {
      return await decode();
    } finally {
      this.#used -= pixels;
      this.#next();
    }
  }

  #fits(pixels: number): boolean {
    return this.#used === 0 || this.#used + pixels <= this.#max;
  }

  #wait(pixels: number): Promise<void> {
    if (this.#waiting.size >= MAX_WAITING) return Promise.reject(tryLater());
    return new Promise((resolve, reject) => {
      const waiter = {
        pixels,
        begin: () => {
          clearTimeout(late);
          resolve();
        },
      };
      const late = setTimeout(() => {
        this.#waiting.delete(waiter);
        reject(tryLater());
        this.#next(); // a smaller one may have waited behind it
      }, MAX_WAIT_MS);
      this.#waiting.add(waiter);
    });
  }

  #next(): void {
    for (const waiter of this.#waiting) {
      if (!this.#fits(waiter.pixels)) return;
      this.#waiting.delete(waiter);
      this.#used += waiter.pixels;
      waiter.begin();
    }
  }
}

function tryLater(): ChatError {
  return new ChatError('unavailable', 'server-not-ready', 'too many pictures at once');
}
