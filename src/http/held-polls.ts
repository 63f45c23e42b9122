/**
 * The long polls that this node holds: each ends early when its client has gone, or when a visitor's page holds too many; all
 * of them when the node drains.
 */
import type { ServerResponse } from 'node:http';
import type { HeldByVisitors, Holder } from '../sessions/held-by-visitors.ts';

export class HeldPolls {
  readonly #giveUps = new Set<() => void>();
  readonly #visitors: HeldByVisitors;
  #draining = false;

  constructor(visitors: HeldByVisitors) {
    this.#visitors = visitors;
  }

  /** A visitor's. Throws `rate-limited` when he, or his address, holds too many. */
  addVisitors(response: ServerResponse, holder: Holder, giveUp: () => void): () => void {
    const leave = this.#visitors.enter(holder, giveUp);
    const release = this.add(response, giveUp);
    return () => {
      leave();
      release();
    };
  }

  /** Returns the undo. While draining nothing is held any more, and nothing for a client who has gone already. */
  add(response: ServerResponse, giveUp: () => void): () => void {
    if (this.#draining || response.destroyed) queueMicrotask(giveUp);
    this.#giveUps.add(giveUp);
    response.once('close', giveUp);
    return () => {
      this.#giveUps.delete(giveUp);
      response.off('close', giveUp);
    };
  }

  open(): void {
    this.#draining = false;
  }

  drain(): void {
    this.#draining = true;
    for (const giveUp of [...this.#giveUps]) giveUp();
  }
}
