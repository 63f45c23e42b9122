/**
 * The master's job of meeting chats' deadlines: an operator who was asked does not answer or may not any more, nobody is there to
 * answer, nothing is said any more. All open chats are looked at together, when the next one is due, or when operators change.
 */
import { isDeepStrictEqual } from 'node:util';
import { meetDeadline } from '../commands/chat-deadlines.ts';
import { type AssignmentToWithdraw, withdrawAssignment } from '../commands/withdraw-assignment.ts';
import type { CommitLoop } from '../commit/commit-loop.ts';
import { deadlineOf, type DeadlineRules, type Due } from '../domain/chat-deadlines.ts';
import type { Chat } from '../domain/chat.ts';
import { ChatError } from '../domain/error.ts';
import { type AssignmentRules, isOpen, isSpoken } from '../domain/eligibility.ts';
import { worksIn } from '../domain/operator.ts';
import type { Microseconds } from '../domain/time.ts';
import { whyWithdrawn } from '../domain/withdrawal.ts';
import type { LabelledCounter } from '../ports/index.ts';
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
  readonly assignmentRules: AssignmentRules;
}

type Asked = Pick<AssignmentToWithdraw, 'chatId' | 'operatorId' | 'isChanged' | 'isSpoken'>;

interface DueChat {
  readonly chat: Chat;
  readonly due: Due;
  readonly emptySinceUs: Microseconds | undefined;
}

export class ChatDeadlines extends Job {
  readonly #options: ChatDeadlinesOptions;
  readonly #met: LabelledCounter;
  /** Operators whose languages or hours have changed since the last look. */
  readonly #changed = new Set<number>();

  constructor(options: ChatDeadlinesOptions) {
    super({ name: 'chat-deadlines', sweepMs: SWEEP_MS, pauseMs: PAUSE_MS }, options);
    this.#options = options;
    this.#met = options.metrics.labelled('chat_deadlines_total', 'Chats passed on, withdrawn, made offline or expired', 'due');
    options.replica.listen({
      applied: ({ change, operatorBefore }) => {
        if (change.type === 'operator-status-set' && change.sort !== 'takes') this.wakeAt(options.nowUs());
        if (change.type === 'operator-saved' && operatorBefore !== undefined) {
          const { langs, schedule } = change.operator;
          if (!isDeepStrictEqual([operatorBefore.langs, operatorBefore.schedule], [langs, schedule])) this.#changed.add(change.operator.id);
          this.wakeAt(options.nowUs());
        }
        if (change.type === 'chat-moved' && change.assignedOperatorId !== null)
          this.wakeAt(change.atUs + options.rules.assignmentTimeoutUs);
      },
      reloaded: () => this.wake(),
    });
  }

  protected async run(leaseToken: number): Promise<Microseconds | undefined> {
    const { loop, rules } = this.#options;
    const { due, withdrawn, nextUs } = this.#look();
    const outcomes = await Promise.allSettled([
      ...withdrawn.map(async one => {
        const command = withdrawAssignment({ ...one, rules: this.#options.assignmentRules, leaseToken });
        if ((await loop.execute(command)).answer) this.#met.inc('withdraw');
      }),
      ...due.map(async one => {
        const command = meetDeadline({ chatId: one.chat.id, due: one.due, emptySinceUs: one.emptySinceUs, rules, leaseToken });
        if ((await loop.execute(command)).answer) this.#met.inc(one.due);
      }),
    ]);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected' && !(outcome.reason instanceof ChatError)) throw outcome.reason;
    }
    return nextUs;
  }

  #look(): { readonly due: DueChat[]; readonly withdrawn: Asked[]; readonly nextUs: Microseconds | undefined } {
    const { replica, rules, assignmentRules, nowUs } = this.#options;
    const now = nowUs();
    const emptySince = new Map<string | null, Microseconds | undefined>();
    const due: DueChat[] = [];
    const withdrawn: Asked[] = [];
    const changed = new Set(this.#changed);
    this.#changed.clear();
    let nextUs = Number.POSITIVE_INFINITY;
    for (const chat of replica.chats.values()) {
      const { departmentKey, assignedOperatorId } = chat;
      const asked = assignedOperatorId === null ? undefined : replica.operators.get(assignedOperatorId);
      if (asked !== undefined && withdrawn.length < MAX_MET) {
        const isChanged = changed.has(asked.id);
        const language = { isChanged, isSpoken: isChanged && isSpoken(chat, replica.operators.values()) };
        const because = whyWithdrawn(chat, asked, assignmentRules, { nowUs: now, ...language });
        if (because !== undefined) {
          withdrawn.push({ chatId: chat.id, operatorId: asked.id, ...language });
          continue;
        }
      }
      if (!emptySince.has(departmentKey)) emptySince.set(departmentKey, this.#emptySince(departmentKey, now));
      const emptySinceUs = emptySince.get(departmentKey);
      const deadline = deadlineOf(chat, rules, emptySinceUs);
      if (deadline === undefined) continue;
      if (deadline.atUs <= now && due.length < MAX_MET) due.push({ chat, due: deadline.due, emptySinceUs });
      else nextUs = Math.min(nextUs, deadline.atUs);
    }
    return { due, withdrawn, nextUs: Number.isFinite(nextUs) ? nextUs : undefined };
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
