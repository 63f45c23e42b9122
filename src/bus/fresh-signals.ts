/**
 * Signals have no revision: what the broker, or somebody with its password, brings late or again is told apart by the time and the
 * number that their sender has signed. Used by the subscriber; keeps one number for each run of a node that was heard lately.
 */
import type { Microseconds } from '../domain/time.ts';
import type { SentSignal } from './envelope.ts';

/** Two nodes know the database's time to within a heartbeat's way. */
const FRESH_FOR_US = 10_000_000;
/** Runs of nodes; the one that was silent for longest is forgotten, and what it could bring again is old by then. */
const MAX_SENDERS = 1_000;

export class FreshSignals {
  readonly #nowUs: () => Microseconds;
  readonly #heard = new Map<string, number>();

  constructor(nowUs: () => Microseconds) {
    this.#nowUs = nowUs;
  }

  /** False: it is old, from the future, or was heard before. */
  accept({ incarnation, atUs, number }: SentSignal): boolean {
    if (Math.abs(this.#nowUs() - atUs) > FRESH_FOR_US) return false;
    const before = this.#heard.get(incarnation) ?? 0;
    if (number <= before) return false;
    this.#heard.delete(incarnation); // youngest again: a Map keeps the order of insertion
    this.#heard.set(incarnation, number);
    for (const oldest of this.#heard.keys()) {
      if (this.#heard.size <= MAX_SENDERS) break;
      this.#heard.delete(oldest);
    }
    return true;
  }
}
