/**
 * How many connections visitors hold open, WebSockets or long polls: of one page, of one visitor, from one address. So that one
 * page, or one machine, never takes the places of all others. Used by ws/ and http/, each with one of its own; operators are
 * not counted here.
 */
import { ChatError } from '../domain/error.ts';
import type { LabelledCounter, Metrics } from '../ports/index.ts';

/** An app has one; after a bad connection there may be a dead one, of which nobody knows yet. */
const PER_PAGE = 3;
/** His devices and tabs. */
const PER_VISITOR = 10;
/** Who finds no place comes back later, when dead ones will have been noticed. */
const RETURN_MS = 10_000;

export interface Holder {
  readonly pageId: string;
  readonly visitorId: string;
  /** As `addressKey`. */
  readonly address: string;
}

export class HeldByVisitors {
  readonly #perAddress: number;
  /** How to end each, oldest first. */
  readonly #pages = new Map<string, (() => void)[]>();
  readonly #visitors = new Counts();
  readonly #addresses = new Counts();
  readonly #refused: LabelledCounter;

  /** `what`: sockets or polls, for the metrics. */
  constructor({
    what,
    perAddress,
    metrics,
  }: { readonly what: 'sockets' | 'polls'; readonly perAddress: number; readonly metrics: Metrics }) {
    this.#perAddress = perAddress;
    this.#refused = metrics.labelled(
      `visitor_${what}_refused_total`,
      `${what === 'sockets' ? 'WebSockets' : 'Long polls'} of visitors that were too many: page (its oldest one was ended), visitor, address`,
      'of',
    );
  }

  /**
   * Returns what to call when it is over. The oldest of a page with too many is ended, by its `end`; throws `rate-limited` when there
   * are too many of the visitor, or from the address.
   */
  enter({ pageId, visitorId, address }: Holder, end: () => void): () => void {
    const ofPage = this.#pages.get(pageId) ?? [];
    if (ofPage.length >= PER_PAGE) {
      this.#refused.inc('page');
      ofPage[0]?.();
    }
    if (this.#visitors.of(visitorId) >= PER_VISITOR) throw this.#tooMany('visitor');
    if (this.#addresses.of(address) >= this.#perAddress) throw this.#tooMany('address');
    this.#visitors.add(visitorId, 1);
    this.#addresses.add(address, 1);
    let isOver = false;
    const ended = (): void => {
      over();
      end();
    };
    const over = (): void => {
      if (isOver) return;
      isOver = true;
      this.#leave(pageId, ended);
      this.#visitors.add(visitorId, -1);
      this.#addresses.add(address, -1);
    };
    this.#pages.set(pageId, [...(this.#pages.get(pageId) ?? []), ended]);
    return over;
  }

  #leave(pageId: string, ended: () => void): void {
    const others = (this.#pages.get(pageId) ?? []).filter(other => other !== ended);
    if (others.length === 0) this.#pages.delete(pageId);
    else this.#pages.set(pageId, others);
  }

  #tooMany(of: 'visitor' | 'address'): ChatError {
    this.#refused.inc(of);
    const retryAfterMs = Math.round(RETURN_MS * (0.5 + Math.random()));
    return new ChatError('rate-limited', 'rate-limited', `too many connections of one ${of}`, { retryAfterMs });
  }
}

/** How many of each; none is not kept. */
class Counts {
  readonly #counts = new Map<string, number>();

  of(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  add(key: string, more: number): void {
    const count = this.of(key) + more;
    if (count === 0) this.#counts.delete(key);
    else this.#counts.set(key, count);
  }
}
