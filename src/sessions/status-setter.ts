/**
 * An operator's own status, set by whichever of his tabs: at most one change in a while, and the last wish wins. Who toggles
 * fifty times a second makes a few changes of it, and no assignment that comes and goes with each.
 */
import type { CommitLoop, Executed } from '../commands/commit-loop.ts';
import { setOperatorStatus, type StatusSet } from '../commands/operator-status.ts';
import { ChatError } from '../domain/error.ts';
import type { OperatorStatus } from '../domain/operator.ts';

const WINDOW_MS = 250;
/** Calls of one operator that wait for the next change. */
const MAX_WAITING = 100;

interface Wish {
  status: OperatorStatus;
  readonly done: Promise<Executed<StatusSet>>;
  waiting: number;
}

export class StatusSetter {
  readonly #loop: CommitLoop;
  /** Operators who have set theirs a moment ago, and what they have wished since. */
  readonly #recent = new Map<number, Wish | undefined>();

  constructor(loop: CommitLoop) {
    this.#loop = loop;
  }

  /** Answers what became of it: that wish, or a later one. Throws ChatError, `rate-limited` when too many wait. */
  set(operatorId: number, status: OperatorStatus): Promise<Executed<StatusSet>> {
    if (!this.#recent.has(operatorId)) return this.#run(operatorId, status);
    const wish = this.#recent.get(operatorId);
    if (wish === undefined) return this.#later(operatorId, status);
    if (wish.waiting >= MAX_WAITING) {
      const error = new ChatError('rate-limited', 'rate-limited', 'too many status changes at once', { retryAfterMs: WINDOW_MS });
      return Promise.reject(error);
    }
    wish.waiting += 1;
    wish.status = status;
    return wish.done;
  }

  #run(operatorId: number, status: OperatorStatus): Promise<Executed<StatusSet>> {
    this.#recent.set(operatorId, undefined);
    setTimeout(() => {
      if (this.#recent.get(operatorId) === undefined) this.#recent.delete(operatorId);
    }, WINDOW_MS).unref();
    return this.#loop.execute(setOperatorStatus(operatorId, status));
  }

  #later(operatorId: number, status: OperatorStatus): Promise<Executed<StatusSet>> {
    const wish: Wish = {
      status,
      waiting: 1,
      done: new Promise(resolve => setTimeout(resolve, WINDOW_MS)).then(() => this.#run(operatorId, wish.status)),
    };
    this.#recent.set(operatorId, wish);
    return wish.done;
  }
}
