/**
 * What waits for all WebSockets of the node together: each has its own bound (ws_buffer_bytes), but thousands that do not read
 * would fill the node all the same. Above the bound the slowest are cut (4408), visitors before operators; they come back with
 * their `since`.
 *
 * Looked at once a second, and as soon as large frames alone could have passed the bound meanwhile: no book is kept of each write.
 */
import { CLOSE } from '../protocol/close-codes.ts';
import type { Counter, Metrics } from '../ports/index.ts';
import type { Connection } from './connection.ts';

const MAX_BYTES = 128 * 1_048_576;
/** Below that nobody more is cut. */
const LOW_BYTES = MAX_BYTES / 2;

/** A client as it is looked at. */
export interface Waiter {
  readonly connection: Pick<Connection, 'waitingBytes' | 'close'>;
  readonly isOperator: boolean;
}

export class WaitingFrames {
  readonly #all: () => Iterable<Waiter>;
  readonly #cut: Counter;
  #found = 0;
  #sentSince = 0;

  constructor(all: () => Iterable<Waiter>, metrics: Metrics) {
    this.#all = all;
    this.#cut = metrics.counter('ws_slowest_cut_total', 'WebSockets closed because too much waited for all of them together');
    metrics.gauge('ws_waiting_bytes', 'Bytes that wait for WebSockets (at most 128 MiB)', () => this.#found);
  }

  /** A frame of so many bytes was given to a socket. */
  sent(bytes: number): void {
    this.#sentSince += bytes;
    if (this.#found + this.#sentSince > MAX_BYTES) this.look();
  }

  look(): void {
    this.#sentSince = 0;
    this.#found = 0;
    const waiters: { readonly waiter: Waiter; readonly bytes: number }[] = [];
    for (const waiter of this.#all()) {
      const bytes = waiter.connection.waitingBytes;
      if (bytes === 0) continue;
      this.#found += bytes;
      waiters.push({ waiter, bytes });
    }
    if (this.#found <= MAX_BYTES) return;
    waiters.sort((a, b) => Number(a.waiter.isOperator) - Number(b.waiter.isOperator) || b.bytes - a.bytes);
    for (const { waiter, bytes } of waiters) {
      if (this.#found <= LOW_BYTES) return;
      waiter.connection.close(CLOSE.tooSlow);
      this.#cut.inc();
      this.#found -= bytes;
    }
  }
}
