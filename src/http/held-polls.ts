/** The long polls that this node holds: each ends early when its client has gone, all of them when the node drains. */
import type { ServerResponse } from 'node:http';

export class HeldPolls {
  readonly #giveUps = new Set<() => void>();
  #draining = false;

  /** Returns the undo. While draining nothing is held any more. */
  add(response: ServerResponse, giveUp: () => void): () => void {
    if (this.#draining) queueMicrotask(giveUp);
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
