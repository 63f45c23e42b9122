/**
 * Searches through texts take long, so few run at once: one of each person, two of all visitors and two of all operators
 * (neither takes the other's), and a bounded number waits. Used by the searches of visitors and operators.
 */
import { ChatError } from '../domain/error.ts';
import type { LabelledCounter, Metrics } from '../ports.ts';

const AT_ONCE = { visitor: 2, operator: 2 };
/** Connections of the searches: the pool that node.ts opens for them. */
export const SEARCHES_AT_ONCE = AT_ONCE.visitor + AT_ONCE.operator;
const MAX_WAITING = 50;
const MAX_WAIT_MS = 2_000;

type Kind = 'visitor' | 'operator';

export class Searches {
  readonly #lanes: Readonly<Record<Kind, Lane>> = {
    visitor: new Lane(AT_ONCE.visitor),
    operator: new Lane(AT_ONCE.operator),
  };
  readonly #searching = new Set<string>();
  readonly #refused: LabelledCounter;

  constructor(metrics: Metrics) {
    this.#refused = metrics.labelled('searches_refused_total', 'Searches told to try later: own (one at a time), busy', 'why');
    const lanes = Object.values(this.#lanes);
    metrics.gauge('searches_running', `Searches through texts (at most ${SEARCHES_AT_ONCE})`, () => sum(lanes.map(lane => lane.running)));
    metrics.gauge('searches_waiting', `Searches that wait for their turn (at most ${2 * MAX_WAITING})`, () =>
      sum(lanes.map(lane => lane.waiting)),
    );
  }

  /** Throws ChatError `unavailable` when this person searches already, or too many do. */
  async run<T>(kind: Kind, id: string, search: () => Promise<T>): Promise<T> {
    const key = `${kind} ${id}`;
    if (this.#searching.has(key)) throw this.#tryLater('own', 'one search at a time');
    this.#searching.add(key);
    try {
      const leave = await this.#lanes[kind].enter();
      if (leave === undefined) throw this.#tryLater('busy', 'too many searches at once');
      try {
        return await search();
      } finally {
        leave();
      }
    } finally {
      this.#searching.delete(key);
    }
  }

  #tryLater(why: 'own' | 'busy', sentence: string): ChatError {
    this.#refused.inc(why);
    return new ChatError('unavailable', 'server-not-ready', sentence);
  }
}

/** So many at once; the others wait in order of their coming. */
class Lane {
  readonly #atOnce: number;
  readonly #waiting = new Set<(leave: (() => void) | undefined) => void>();
  running = 0;

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** What to call afterwards; undefined: it took too long, or too many wait. */
  enter(): Promise<(() => void) | undefined> {
    if (this.running < this.#atOnce) {
      this.running += 1;
      return Promise.resolve(() => this.#leave());
    }
    if (this.#waiting.size >= MAX_WAITING) return Promise.resolve(undefined);
    return new Promise(resolve => {
      const go = (leave: (() => void) | undefined): void => {
        clearTimeout(late);
        this.#waiting.delete(go);
        resolve(leave);
      };
      const late = setTimeout(() => go(undefined), MAX_WAIT_MS);
      this.#waiting.add(go);
    });
  }

  /** The place goes to the next one. */
  #leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.running -= 1;
    else next(() => this.#leave());
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
