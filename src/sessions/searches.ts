/**
 * Searches through texts take long, so few run at once: one of each person, two of all visitors and two of all operators
 * (neither takes the other's), and a bounded number waits. Used by the searches of visitors and operators.
 */
import { ChatError } from '../domain/error.ts';
import type { Counter, Metrics } from '../ports/index.ts';
import { Turns } from './turns.ts';

const OF_EACH_KIND = { atOnce: 2, ofEach: 1, waiting: 50, waitingOfEach: 0, maxWaitMs: 2_000 };
/** Connections of the searches: the pool that node/node.ts opens for them. */
export const SEARCHES_AT_ONCE = 2 * OF_EACH_KIND.atOnce;

export class Searches {
  readonly #turns = { visitor: new Turns(OF_EACH_KIND), operator: new Turns(OF_EACH_KIND) };
  readonly #refused: Counter;

  constructor(metrics: Metrics) {
    const { visitor, operator } = this.#turns;
    this.#refused = metrics.counter('searches_refused_total', 'Searches told to try later: their person searches already, or too many do');
    metrics.gauge(
      'searches_running',
      'Searches through texts (at most 2 of visitors, 2 of operators)',
      () => visitor.running + operator.running,
    );
    metrics.gauge(
      'searches_waiting',
      'Searches that wait for their turn (at most 50 of visitors, 50 of operators)',
      () => visitor.waiting + operator.waiting,
    );
  }

  /** Throws ChatError `unavailable` when this person searches already, or too many do. */
  async run<T>(kind: 'visitor' | 'operator', id: string, search: () => Promise<T>): Promise<T> {
    const leave = await this.#turns[kind].enter(id);
    if (leave === undefined) {
      this.#refused.inc();
      throw new ChatError('unavailable', 'server-not-ready', 'too many searches at once');
    }
    try {
      return await search();
    } finally {
      leave();
    }
  }
}
