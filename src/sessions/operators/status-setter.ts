/**
 * An operator's own status, set by whichever of his tabs: at most one change in a while, and the last wish wins. Who toggles
 * fifty times a second makes a few changes of it, and no assignment that comes and goes with each.
 */
import type { Executed } from '../../commit/command.ts';
import type { CommitLoop } from '../../commit/commit-loop.ts';
import { setOperatorStatus, type StatusSet, type StatusWish } from '../../commands/operator-status.ts';
import { ChatError } from '../../domain/error.ts';
import type { OperatorStatus } from '../../domain/operator.ts';
import type { Microseconds } from '../../domain/time.ts';

const WINDOW_MS = 250;
/** Calls of one operator that wait for the next change. */
const MAX_WAITING = 100;

interface Wish {
  status: OperatorStatus;
  /** By the database's time. */
  wishedUs: Microseconds;
  readonly done: Promise<Executed<StatusSet>>;
  waiting: number;
}

/** Of an operator who has set his status a moment ago. */
interface Recent {
  /** The change that is under way or was made last. */
  changed: Promise<Executed<StatusSet>>;
  wish: Wish | undefined;
}

export class StatusSetter {
  readonly #loop: CommitLoop;
  readonly #nowUs: () => Microseconds;
  readonly #recent = new Map<number, Recent>();

  constructor(loop: CommitLoop, nowUs: () => Microseconds) {
    this.#loop = loop;
    this.#nowUs = nowUs;
  }

  /** Answers what became of it: that wish, or a later one. Throws ChatError, `rate-limited` when too many wait. */
  set(operatorId: number, status: OperatorStatus): Promise<Executed<StatusSet>> {
    const recent = this.#recent.get(operatorId);
    if (recent === undefined) return this.#change(operatorId, { operatorId, status });
    const { wish } = recent;
    if (wish === undefined) return this.#later(operatorId, recent, status);
    if (wish.waiting >= MAX_WAITING) {
      const error = new ChatError('rate-limited', 'rate-limited', 'too many status changes at once', { retryAfterMs: WINDOW_MS });
      return Promise.reject(error);
    }
    wish.waiting += 1;
    wish.status = status;
    wish.wishedUs = this.#nowUs();
    return wish.done;
  }

  #change(operatorId: number, wish: StatusWish): Promise<Executed<StatusSet>> {
    const recent: Recent = { changed: this.#loop.execute(setOperatorStatus(wish)), wish: undefined };
    this.#recent.set(operatorId, recent);
    setTimeout(() => {
      if (this.#recent.get(operatorId) === recent && recent.wish === undefined) this.#recent.delete(operatorId);
    }, WINDOW_MS).unref();
    return recent.changed;
  }

  #later(operatorId: number, recent: Recent, status: OperatorStatus): Promise<Executed<StatusSet>> {
    const wish: Wish = { status, wishedUs: this.#nowUs(), waiting: 1, done: this.#fulfil(operatorId, recent) };
    recent.wish = wish;
    return wish.done;
  }

  /** Whatever was set meanwhile on another node, after the wish and after our own last change, is newer. */
  async #fulfil(operatorId: number, recent: Recent): Promise<Executed<StatusSet>> {
    await new Promise(resolve => setTimeout(resolve, WINDOW_MS));
    const changedUs = await recent.changed.then(
      ({ answer }) => answer.statusUs,
      () => 0,
    );
    const { wish } = recent;
    if (wish === undefined) throw new Error('a wish that nobody has');
    return this.#change(operatorId, { operatorId, status: wish.status, unlessSinceUs: Math.max(wish.wishedUs, changedUs) });
  }
}
