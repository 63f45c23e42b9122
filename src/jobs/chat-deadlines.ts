/**
 * The master's job of meeting chats' deadlines: an operator who was asked does not answer, nobody is there to answer, nothing
 * is said any more. All open chats are looked at together, when the next one is due.
 */
import { meetDeadline } from '../commands/chat-deadlines.ts';
import type { CommitLoop } from '../commands/commit-loop.ts';
import { deadlineOf, type DeadlineRules, type Due } from '../domain/chat-deadlines.ts';
import type { Chat } from '../domain/chat.ts';
import { ChatError } from '../domain/error.ts';
import { isOpen } from '../domain/eligibility.ts';
import { worksIn } from '../domain/operator.ts';
import type { Microseconds } from '../domain/time.ts';
import type { LabelledCounter } from '../ports.ts';
import type { Replica } from '../sync/replica.ts';
import { Job, type JobOptions } from './job.ts';

/** Met in one run; the rest in the next. */
const MAX_MET = 500;
/** Chats are looked at so often at most: 100,000 of them take some 20 ms. */
const PAUSE_MS = 250;
const SWEEP_MS = 2_000;

export interface ChatDeadlinesOptions extends JobOptions {
  readonly replica: Replica;
  readonly loop: CommitLoop;
  readonly rules: DeadlineRules;
}

interface DueChat {
  readonly chat: Chat;
  readonly due: Due;
  readonly emptySinceUs: Microseconds | undefined;
}

export class ChatDeadlines extends Job {
  readonly #options: ChatDeadlinesOptions;
  readonly #met: LabelledCounter;

  constructor(options: ChatDeadlinesOptions) {
    super({ name: 'chat-deadlines', sweepMs: SWEEP_MS, pauseMs: PAUSE_MS }, options);
    this.#options = options;
    this.#met = options.metrics.labelled(
      'chat_deadlines_total',
      'Chats passed on, made offline or expired because of their deadline',
      'due',
    );
    options.replica.listen({
      applied: ({ change }) => {
        if (change.type === 'chat-moved' && change.assignedOperatorId !== null)
          this.wakeAt(change.atUs + options.rules.assignmentTimeoutUs);
      },
      committed: () => undefined,
      reloaded: () => this.wake(),
    });
  }

  protected async run(leaseToken: number): Promise<Microseconds | undefined> {
    const { loop, rules } = this.#options;
    const { due, nextUs } = this.#look();
    const outcomes = await Promise.allSettled(
      due.map(async one => {
        const command = meetDeadline({ chatId: one.chat.id, due: one.due, emptySinceUs: one.emptySinceUs, rules, leaseToken });
        if ((await loop.execute(command)).answer) this.#met.inc(one.due);
      }),
    );
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected' && !(outcome.reason instanceof ChatError)) throw outcome.reason;
    }
    return nextUs;
  }

  #look(): { readonly due: DueChat[]; readonly nextUs: Microseconds | undefined } {
    const { replica, rules, nowUs } = this.#options;
    const now = nowUs();
    const emptySince = new Map<string | null, Microseconds | undefined>();
    const due: DueChat[] = [];
    let nextUs = Number.POSITIVE_INFINITY;
    for (const chat of replica.chats.values()) {
      const { departmentKey } = chat;
      if (!emptySince.has(departmentKey)) emptySince.set(departmentKey, this.#emptySince(departmentKey, now));
      const emptySinceUs = emptySince.get(departmentKey);
      const deadline = deadlineOf(chat, rules, emptySinceUs);
      if (deadline === undefined) continue;
      if (deadline.atUs <= now && due.length < MAX_MET) due.push({ chat, due: deadline.due, emptySinceUs });
      else nextUs = Math.min(nextUs, deadline.atUs);
    }
    return { due, nextUs: Number.isFinite(nextUs) ? nextUs : undefined };
  }

  /** Since when nobody of the department is there, as far as their statuses say; undefined: somebody is. Out of hours nobody is. */
  #emptySince(departmentKey: string | null, nowUs: Microseconds): Microseconds | undefined {
    const { operators, departments } = this.#options.replica;
    if (!isOpen(departmentKey, departments, nowUs)) return 0;
    let sinceUs = 0;
    for (const operator of operators.values()) {
      if (operator.disabled || !worksIn(operator, departmentKey)) continue;
      if (operator.statusSort !== 'offline') return undefined;
      sinceUs = Math.max(sinceUs, operator.statusUs);
    }
    return sinceUs;
  }
}
