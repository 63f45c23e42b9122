/**
 * The union of committed facts. A change is what the change log stores, what an envelope carries and what every
 * replica applies; its revision is its place in the log. A change names what it did, never how it is shown.
 *
 * Compatibility: nodes of the previous release read these too. Add fields and kinds, never rename or reuse them; a
 * node that does not know a kind loads its replica again (sync/replica.ts).
 */
import type { Chat, ChatState, Rating } from './chat.ts';
import type { Beginning, Move } from './chat-states.ts';
import type { Department } from './department.ts';
import type { Message } from './message.ts';
import type { Operator } from './operator.ts';
import type { Survey } from './survey.ts';
import type { Microseconds } from './time.ts';
import type { Ban, Visitor } from './visitor.ts';

/** epoch × 10¹² + n, counted by one without holes within an epoch. */
export type Revision = number;
export const EPOCH_SIZE = 1_000_000_000_000;

export function epochOf(revision: Revision): number {
  return Math.floor(revision / EPOCH_SIZE);
}

/** A chat moves in its state table, to somebody else, or to another department. */
export interface ChatMoved {
  readonly type: 'chat-moved';
  readonly chatId: number;
  readonly move: Move;
  readonly state: ChatState;
  readonly operatorId: number | null;
  readonly assignedOperatorId: number | null;
  readonly departmentKey: string | null;
  /** Whom not to ask again at once. */
  readonly declinedBy?: number;
  /** The operator who did it; null: the visitor, or this server. */
  readonly by: number | null;
  /** A supervisor went beyond the operator's capacity. */
  readonly override?: true;
  readonly atUs: Microseconds;
}

export type Change =
  /** Also when it is opened again: then it has messages. */
  | { readonly type: 'chat-opened'; readonly chat: Chat; readonly as: Beginning | Extract<Move, 'reopened' | 'continued'> }
  | { readonly type: 'message-added'; readonly message: Message }
  /** Edited, deleted, reacted to, answered: the message as it is now. */
  | { readonly type: 'message-edited'; readonly message: Message }
  | ChatMoved
  /** What it is about, that nobody is there to answer it now, and which page of the site its visitor is on. */
  | {
      readonly type: 'chat-described';
      readonly chatId: number;
      readonly category: string | null;
      readonly subject: string | null;
      readonly offline: boolean;
      /** Absent: as it was. */
      readonly page?: { readonly url: string; readonly title: string };
    }
  | {
      readonly type: 'chat-read-by-operator';
      readonly chatId: number;
      /** Visitor's messages up to this time are read now; `messageIds` are those that were not. */
      readonly upToUs: Microseconds;
      readonly messageIds: readonly string[];
    }
  | { readonly type: 'chat-read-by-visitor'; readonly chatId: number }
  /** Also of a closed chat. */
  | {
      readonly type: 'chat-rated';
      readonly chatId: number;
      readonly visitorId: string;
      readonly operatorId: number;
      readonly rating: Rating;
    }
  /** Offered, answered or cancelled; the chat is closed. */
  | { readonly type: 'survey-changed'; readonly chatId: number; readonly visitorId: string; readonly survey: Survey }
  /** What is known of him, and up to where his history is cleared; `chatId` is his open chat. */
  | {
      readonly type: 'visitor-changed';
      readonly visitorId: string;
      readonly chatId: number | null;
      readonly fields: Visitor['fields'];
      /** Absent in those of a node of the version before, which leave what is there. */
      readonly verified?: Visitor['verified'];
      readonly clearedUs: Microseconds;
    }
  /** null: let in again. What nodes have cached of his pages is dropped. */
  | { readonly type: 'visitor-banned'; readonly visitorId: string; readonly ban: Ban | null }
  | {
      readonly type: 'operator-status-set';
      readonly operatorId: number;
      readonly status: string;
      readonly sort: Operator['statusSort'];
      readonly reason: string;
      readonly atUs: Microseconds;
    }
  | { readonly type: 'operator-saved'; readonly operator: Operator }
  | { readonly type: 'department-saved'; readonly department: Department }
  /** A page can no longer be used: its loops are told to init again. */
  | { readonly type: 'page-ended'; readonly pageId: string; readonly visitorId: string }
  /** A login was ended by logout, or all of an operator's by a new password or by disabling him. */
  | { readonly type: 'operator-sessions-ended'; readonly operatorId: number; readonly tokenHash: string | null };

export type ChangeType = Change['type'];

/** Kinds this binary knows; a newer node in a rolling upgrade may write others. */
const KNOWN: Readonly<Record<ChangeType, true>> = {
  'chat-opened': true,
  'message-added': true,
  'message-edited': true,
  'chat-moved': true,
  'chat-described': true,
  'chat-read-by-operator': true,
  'chat-read-by-visitor': true,
  'chat-rated': true,
  'survey-changed': true,
  'visitor-changed': true,
  'visitor-banned': true,
  'operator-status-set': true,
  'operator-saved': true,
  'department-saved': true,
  'page-ended': true,
  'operator-sessions-ended': true,
};

export function isKnownChange(change: { readonly type: string }): change is Change {
  return Object.hasOwn(KNOWN, change.type);
}
