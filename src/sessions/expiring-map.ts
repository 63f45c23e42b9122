/** A bounded cache: entries leave after a time, and the least recently used when it is full. */
import type { Clock } from '../ports/index.ts';

export class ExpiringMap<K, V> {
  readonly #clock: Clock;
  readonly #maxSize: number;
  readonly #entries = new Map<K, { readonly value: V; readonly expiresMs: number }>();

  constructor(clock: Clock, maxSize: number) {
    this.#clock = clock;
    this.#maxSize = maxSize;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: K): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    if (entry.expiresMs <= this.#clock.nowMs()) return undefined;
    this.#entries.set(key, entry); // youngest again: a Map keeps the order of insertion
    return entry.value;
  }

  set(key: K, value: V, ttlMs: number): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, expiresMs: this.#clock.nowMs() + ttlMs });
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#maxSize) break;
      this.#entries.delete(oldest);
    }
  }

  delete(key: K): void {
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }

  deleteWhere(matches: (value: V) => boolean): void {
    for (const [key, { value }] of this.#entries) if (matches(value)) this.#entries.delete(key);
  }
}
