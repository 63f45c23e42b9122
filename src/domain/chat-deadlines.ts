/** What time alone does to a chat: an operator who was asked does not answer, nobody is there, nobody says anything any more. */
import { type Chat, type ClosedState, isWaiting, type OpenState } from './chat.ts';
import type { Microseconds } from './time.ts';

export interface DeadlineRules {
  /** An operator who was asked has so long to take the chat. */
  readonly assignmentTimeoutUs: Microseconds;
  /** Nobody is there to answer it for so long: it is an offline chat. 0: never. */
  readonly offlineAfterUs: Microseconds;
  /** Nothing was said for so long: it is closed. 0: never. */
  readonly idleUs: Readonly<Record<Exclude<OpenState, 'routing' | 'chatting_with_robot'> | 'offline', Microseconds>>;
}

/** pass: to the next operator · offline: nobody is there · expire: closed */
export type Due = 'pass' | 'offline' | 'expire';

export interface Deadline {
  readonly due: Due;
  readonly atUs: Microseconds;
}

/** The next of them. `emptySinceUs`: since when nobody of its department has been there; undefined: somebody is. */
export function deadlineOf(chat: Chat, rules: DeadlineRules, emptySinceUs: Microseconds | undefined): Deadline | undefined {
  const deadlines: Deadline[] = [];
  const add = (due: Due, sinceUs: Microseconds, afterUs: Microseconds): void => {
    if (afterUs > 0) deadlines.push({ due, atUs: sinceUs + afterUs });
  };
  if (chat.assignedUs !== null) add('pass', chat.assignedUs, rules.assignmentTimeoutUs);
  if (isWaiting(chat) && !chat.offline && emptySinceUs !== undefined) {
    add('offline', Math.max(chat.queuedUs, emptySinceUs), rules.offlineAfterUs);
  }
  add('expire', lastSignOfLife(chat), rules.idleUs[idleKind(chat)]);
  return deadlines.reduce<Deadline | undefined>((first, next) => (first === undefined || next.atUs < first.atUs ? next : first), undefined);
}

/** When something was said last, or it began. */
function lastSignOfLife({ queuedUs, lastTsUs }: Chat): Microseconds {
  return Math.max(queuedUs, lastTsUs);
}

function idleKind({ state, offline }: Chat): keyof DeadlineRules['idleUs'] {
  switch (state as Exclude<Chat['state'], ClosedState>) {
    case 'chatting':
    case 'chatting_with_robot':
      return 'chatting';
    case 'hold':
      return 'hold';
    case 'invitation':
      return 'invitation';
    case 'queue':
    case 'routing':
      return offline ? 'offline' : 'queue';
  }
}
