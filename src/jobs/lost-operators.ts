/**
 * The master's job of noticing who is gone: operators without a connection to any living node, and those who are offline and
 * still have chats. Bound of what is shown of them (I6): 5 s for a dead node, the grace, and this job's pause.
 */
import type { CommitLoop } from '../commit/commit-loop.ts';
import { loseOperator } from '../commands/lose-operator.ts';
import { planAssignments } from '../domain/assignment.ts';
import { type Chat, ownerOf } from '../domain/chat.ts';
import { ChatError } from '../domain/error.ts';
import type { ChatRules } from '../domain/rules.ts';
import { SubQueues } from '../domain/sub-queue.ts';
import type { Microseconds } from '../domain/time.ts';
import type { Counter, LostOperators as Store } from '../ports/index.ts';
import type { Replica } from '../sync/replica.ts';
import { Job, type JobOptions } from './job.ts';

const SWEEP_MS = 1_000;

export interface LostOperatorsOptions extends JobOptions {
  readonly store: Store;
  readonly replica: Replica;
  readonly loop: CommitLoop;
  readonly rules: ChatRules;
}

export class LostOperators extends Job {
  readonly #options: LostOperatorsOptions;
  readonly #lost: Counter;

  constructor(options: LostOperatorsOptions) {
    super({ name: 'lost-operators', sweepMs: SWEEP_MS }, options);
    this.#options = options;
    this.#lost = options.metrics.counter('operators_lost_total', 'Operators whom this node has found to be gone');
  }

  protected async run(leaseToken: number): Promise<Microseconds | undefined> {
    const { store, loop, nowUs, rules } = this.#options;
    const { graceUs, lostOperatorPolicy: policy } = rules;
    await store.closeDeadNodes();
    let nextUs: Microseconds | undefined;
    for (const { operatorId, sinceUs } of await store.listGone()) {
      const dueUs = sinceUs + graceUs;
      if (dueUs > nowUs()) {
        nextUs = Math.min(nextUs ?? dueUs, dueUs);
        continue;
      }
      const colleagues = policy === 'transfer' ? this.#colleaguesFor(operatorId) : new Map<number, number>();
      const command = loseOperator({ operatorId, graceUs, policy, colleagues, rules: rules.assignment, leaseToken });
      try {
        if ((await loop.execute(command)).answer !== undefined) this.#lost.inc();
      } catch (error) {
        if (!(error instanceof ChatError)) throw error; // else it is tried again with the next sweep
      }
    }
    return nextUs;
  }

  /** His chats are given to others as if they waited. */
  #colleaguesFor(operatorId: number): Map<number, number> {
    const { replica, rules, nowUs } = this.#options;
    const queues = new SubQueues();
    const own: Chat[] = [...replica.chats.values()].filter(chat => ownerOf(chat) === operatorId && chat.state === 'chatting');
    for (const chat of own) queues.update(undefined, { ...chat, state: 'queue', operatorId: null, lastOperatorId: null });
    const others = [...replica.operators.values()].filter(({ id }) => id !== operatorId);
    const plan = planAssignments(queues, others, { ...rules.assignment, defaultMode: 'automatic' }, nowUs());
    return new Map([...plan].map(({ chatId, operatorId: to }) => [chatId, to]));
  }
}
