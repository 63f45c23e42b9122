/**
 * The master's first job: asks operators to take waiting chats. Woken by the changes that can make an assignment possible,
 * by the end of a pause after a declined one, and by opening hours.
 */
import { setImmediate as immediate } from 'node:timers/promises';
import { assignChats } from '../commands/assign-chats.ts';
import type { CommitLoop } from '../commit/commit-loop.ts';
import { type Assignment, planAssignments } from '../domain/assignment.ts';
import { isWaiting } from '../domain/chat.ts';
import { ChatError } from '../domain/error.ts';
import type { AssignmentRules } from '../domain/eligibility.ts';
import { nextChange } from '../domain/schedule.ts';
import type { Microseconds } from '../domain/time.ts';
import type { Counter } from '../ports/index.ts';
import type { Feed } from '../sync/feed.ts';
import type { AppliedChange, Replica } from '../sync/replica.ts';
import type { WaitingChats } from '../sync/waiting-chats.ts';
import { Job, type JobOptions } from './job.ts';

/** Committed in one go: so long do the commands of sessions wait. */
const CHUNK = 500;
const REPLICA_PATIENCE_MS = 1_000;

export interface AutoAssignmentOptions extends JobOptions {
  readonly replica: Replica;
  readonly waiting: WaitingChats;
  readonly feed: Feed;
  readonly loop: CommitLoop;
  readonly rules: AssignmentRules;
}

export class AutoAssignment extends Job {
  readonly #options: AutoAssignmentOptions;
  readonly #assigned: Counter;
  readonly #refused: Counter;
  #dirty = false;
  /** When the next hours of anybody begin or end; undefined: to be looked up again. */
  #hoursChangeUs: Microseconds | undefined;

  constructor(options: AutoAssignmentOptions) {
    super({ name: 'auto-assignment' }, options);
    this.#options = options;
    this.#assigned = options.metrics.counter('assignments_total', 'Chats given to operators by this node');
    this.#refused = options.metrics.counter(
      'assignments_refused_total',
      'Assignments that had become impossible when they were to be stored',
    );
    options.metrics.gauge('chats_waiting', 'Chats that wait for an operator to be chosen', () => options.waiting.queues.size);
    options.replica.listen({
      applied: applied => {
        if (makesDifference(applied)) this.#dirty = true;
        if (applied.change.type === 'operator-saved' || applied.change.type === 'department-saved') this.#hoursChangeUs = undefined;
      },
      committed: () => {
        if (!this.#dirty) return;
        this.#dirty = false;
        this.wake();
      },
      reloaded: () => {
        this.#hoursChangeUs = undefined;
        this.wake();
      },
    });
  }

  protected async run(token: number): Promise<Microseconds | undefined> {
    const { replica, waiting, feed, rules, nowUs } = this.#options;
    const plannedAtUs = nowUs();
    const plan = planAssignments(waiting.queues, replica.operators.values(), rules, plannedAtUs);
    let newest = 0;
    let before: Promise<number> = Promise.resolve(0);
    // What has changed meanwhile makes another plan.
    for (let chunk = take(plan, CHUNK); chunk.length > 0; chunk = this.isWoken ? [] : take(plan, CHUNK)) {
      // One is decided while the one before it is stored, which must be on its way by then: else both share a commit.
      const flying = this.#assign(chunk, token);
      await immediate();
      newest = Math.max(newest, await before);
      before = flying;
    }
    newest = Math.max(newest, await before);
    // The next plan must see this one's effects. A refused one was decided on newer rows: those are on their way too.
    if (newest > 0) await feed.reached(newest, REPLICA_PATIENCE_MS);
    return this.#nextUs(plannedAtUs);
  }

  /** Returns the newest revision that came of it, 0 if nothing did. Never rejects. */
  async #assign(plan: readonly Assignment[], token: number): Promise<number> {
    const { loop, rules, log } = this.#options;
    try {
      const { answer, revision = 0 } = await loop.execute(assignChats(plan, rules, token));
      this.#assigned.inc(answer.count);
      this.#refused.inc(plan.length - answer.count);
      return revision;
    } catch (error) {
      // The lease or the database is gone: who leads plans again.
      this.#refused.inc(plan.length);
      if (!(error instanceof ChatError)) log.error('assignment-failed', { error });
      return 0;
    }
  }

  /** When time alone may make a difference to a chat that waits. */
  #nextUs(nowUs: Microseconds): Microseconds | undefined {
    const { waiting, replica, rules } = this.#options;
    if (waiting.queues.size === 0) return undefined;
    let nextUs = Number.POSITIVE_INFINITY;
    for (const { chats } of waiting.queues) {
      for (const { declined } of chats) {
        for (const { atUs } of declined) if (atUs + rules.askAgainUs > nowUs) nextUs = Math.min(nextUs, atUs + rules.askAgainUs);
      }
    }
    if (this.#hoursChangeUs === undefined || this.#hoursChangeUs <= nowUs) this.#hoursChangeUs = nextOpening(replica, nowUs);
    nextUs = Math.min(nextUs, this.#hoursChangeUs);
    return Number.isFinite(nextUs) ? nextUs : undefined;
  }
}

/** A chat begins or ceases to wait, somebody gets room or comes, rules of a department change. */
function makesDifference({ change, chatBefore, chatAfter }: AppliedChange): boolean {
  switch (change.type) {
    case 'operator-status-set':
      return change.sort === 'takes';
    case 'operator-saved':
    case 'department-saved':
      return true;
    case 'chat-opened':
    case 'chat-moved':
    case 'chat-described':
      // Our own assignments make none: the next plan is made when the last one is done.
      return (
        (chatAfter !== undefined && isWaiting(chatAfter)) ||
        (change.type === 'chat-moved' && change.move !== 'assigned' && chatBefore !== undefined)
      );
    default:
      return false;
  }
}

function nextOpening({ departments, operators }: Replica, nowUs: Microseconds): Microseconds {
  const schedules = [...departments.values(), ...operators.values()].flatMap(({ schedule }) => (schedule === null ? [] : [schedule]));
  return Math.min(...schedules.map(schedule => nextChange(schedule, nowUs) ?? Number.POSITIVE_INFINITY), Number.POSITIVE_INFINITY);
}

function take<T>(from: Iterator<T, undefined>, count: number): T[] {
  const taken: T[] = [];
  while (taken.length < count) {
    const next = from.next();
    if (next.done === true) break;
    taken.push(next.value);
  }
  return taken;
}
