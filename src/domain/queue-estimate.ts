/**
 * How long a visitor will wait: his place divided by how quickly chats of his department have left the queue of late. Honest:
 * without enough of them, or with nobody there, there is no estimate, and it is never finer than it can be.
 */
import type { Microseconds } from './time.ts';

const WINDOW_US = 600_000_000;
/** Fewer say nothing. */
const MIN_SAMPLES = 3;
const MAX_SAMPLES = 1_000;

/** When chats were placed with an operator, of one department. */
export class Departures {
  #times: Microseconds[] = [];

  add(atUs: Microseconds): void {
    this.#times.push(atUs);
    if (this.#times.length > MAX_SAMPLES) this.#times = this.#times.slice(-MAX_SAMPLES / 2);
  }

  /** Seconds until the chat in this place (1: the next one) is placed; undefined: nobody can tell. */
  estimate(place: number, nowUs: Microseconds): number | undefined {
    const times = this.#times.filter(atUs => atUs > nowUs - WINDOW_US && atUs <= nowUs);
    const [first] = times;
    if (first === undefined || times.length < MIN_SAMPLES) return undefined;
    const perSecond = times.length / Math.max(1, (nowUs - first) / 1_000_000);
    return roundUp(place / perSecond);
  }
}

/** To 10 s, 30 s, minutes, five minutes. */
function roundUp(seconds: number): number {
  const step = seconds <= 60 ? 10 : seconds <= 300 ? 30 : seconds <= 1_800 ? 60 : 300;
  return Math.ceil(seconds / step) * step;
}
