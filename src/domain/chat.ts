/**
 * A chat: one conversation of a visitor, from the first word until it is closed. This is its header; texts are
 * messages. At most one chat of a visitor is open, and a chat has at most one operator (I1).
 */
import type { MessageKind } from './message.ts';
import type { Survey } from './survey.ts';
import type { Microseconds } from './time.ts';

export const OPEN_STATES = ['queue', 'chatting', 'hold', 'invitation', 'chatting_with_robot', 'routing'] as const;
export const CLOSED_STATES = ['closed', 'closed_by_operator', 'closed_by_visitor'] as const;
export type OpenState = (typeof OPEN_STATES)[number];
export type ClosedState = (typeof CLOSED_STATES)[number];
export type ChatState = OpenState | ClosedState;

/** The newest message as lists show it: `text` is cut to LAST_MESSAGE_LENGTH. */
export interface LastMessage {
  readonly id: string;
  readonly kind: MessageKind;
  readonly name: string;
  readonly text: string;
  readonly tsUs: Microseconds;
}

export const LAST_MESSAGE_LENGTH = 200;

/** Asked, and did not take it or gave it back. */
export interface Declined {
  readonly operatorId: number;
  readonly atUs: Microseconds;
}

/** The newest ones; an operator stands there once. */
const MAX_DECLINED = 20;

export interface Rating {
  /** -2 … 2. */
  readonly rating: number;
  readonly note: string | null;
}

export interface Chat {
  readonly id: number;
  readonly clientSideId: string;
  readonly visitorId: string;
  /** What operators see of the visitor, kept with the chat so that its header needs no other row. */
  readonly visitorFields: Readonly<Record<string, string>>;
  /** Names of those that are signed. */
  readonly visitorVerified: readonly string[];
  readonly channel: string;
  readonly visitSessionId: string;
  readonly state: ChatState;
  /** Who has taken the chat. */
  readonly operatorId: number | null;
  /** Who was chosen by the master and has not taken it yet; the chat stays in `queue` until then. */
  readonly assignedOperatorId: number | null;
  readonly assignedUs: Microseconds | null;
  /** While it waits: who is not to be asked again at once. */
  readonly declined: readonly Declined[];
  /** Who had the visitor's chat before this one. */
  readonly lastOperatorId: number | null;
  readonly departmentKey: string | null;
  readonly lang: string;
  readonly location: string;
  readonly offline: boolean;
  readonly createdUs: Microseconds;
  /** Since when it waits; a chat that returns to the queue keeps its original place, a re-opened one gets a new one. */
  readonly queuedUs: Microseconds;
  /** By how much it goes before others, because of the page it was begun on. */
  readonly headStartSeconds: number;
  readonly modifiedUs: Microseconds;
  readonly unreadByOperatorSinceUs: Microseconds | null;
  /** Messages of the visitor up to this time were read by an operator. */
  readonly readByOperatorUs: Microseconds;
  readonly unreadByVisitorSinceUs: Microseconds | null;
  readonly unreadByVisitorMsgCnt: number;
  readonly readByVisitor: boolean;
  readonly category: string | null;
  readonly subject: string | null;
  /** What the visitor thinks of its operators, by operator id. */
  readonly ratings: Readonly<Record<string, Rating>>;
  /** Offered when it was closed. */
  readonly survey: Survey | null;
  readonly pageUrl: string;
  readonly pageTitle: string;
  readonly messageCount: number;
  /** Not stored with the chat: a snapshot reads it from the messages. Null in rows that are locked or looked up. */
  readonly lastMessage: LastMessage | null;
  /** The visitor's clock while this chat is open: the last message time given out, the next one is later. */
  readonly lastTsUs: Microseconds;
  /** Counts the changes of this row: who knows it knows the row (see Store.commitGuess). */
  readonly version: number;
}

export function isOpen(chat: Chat): boolean {
  return isOpenState(chat.state);
}

export function isOpenState(state: ChatState): state is OpenState {
  return !state.startsWith('closed');
}

/** Whose chat it is: the one who has it, or the one it is assigned to. */
export function ownerOf(chat: Chat | undefined): number | null {
  if (chat === undefined || !isOpen(chat)) return null;
  return chat.operatorId ?? chat.assignedOperatorId;
}

/** The operator whose capacity this chat uses: its owner, unless it is on hold. */
export function bearerOf(chat: Chat | undefined): number | null {
  return chat?.state === 'hold' ? null : ownerOf(chat);
}

/** Its place in the queue: the smaller goes first. */
export function placeOf(chat: Chat): Microseconds {
  return chat.queuedUs - chat.headStartSeconds * 1_000_000;
}

/** When this operator has declined it last; undefined: never. */
export function declinedAt(chat: Chat, operatorId: number): Microseconds | undefined {
  return chat.declined.find(declined => declined.operatorId === operatorId)?.atUs;
}

export function withDeclined(declined: readonly Declined[], operatorId: number, atUs: Microseconds): readonly Declined[] {
  return [...declined.filter(other => other.operatorId !== operatorId), { operatorId, atUs }].slice(-MAX_DECLINED);
}

/** Waits for an operator and nobody has been chosen yet. */
export function isWaiting(chat: Chat): boolean {
  return chat.state === 'queue' && chat.assignedOperatorId === null;
}

/**
 * A copy of the row with its next version, to be changed and then put in its place. Field by field: a spread of an object
 * of this size takes 2.5 µs, this 0.2 µs, and each message needs it on every node.
 */
export function nextVersion(chat: Chat): { -readonly [F in keyof Chat]: Chat[F] } {
  return {
    id: chat.id,
    clientSideId: chat.clientSideId,
    visitorId: chat.visitorId,
    visitorFields: chat.visitorFields,
    visitorVerified: chat.visitorVerified,
    channel: chat.channel,
    visitSessionId: chat.visitSessionId,
    state: chat.state,
    operatorId: chat.operatorId,
    assignedOperatorId: chat.assignedOperatorId,
    assignedUs: chat.assignedUs,
    declined: chat.declined,
    lastOperatorId: chat.lastOperatorId,
    departmentKey: chat.departmentKey,
    lang: chat.lang,
    location: chat.location,
    offline: chat.offline,
    createdUs: chat.createdUs,
    queuedUs: chat.queuedUs,
    headStartSeconds: chat.headStartSeconds,
    modifiedUs: chat.modifiedUs,
    unreadByOperatorSinceUs: chat.unreadByOperatorSinceUs,
    readByOperatorUs: chat.readByOperatorUs,
    unreadByVisitorSinceUs: chat.unreadByVisitorSinceUs,
    unreadByVisitorMsgCnt: chat.unreadByVisitorMsgCnt,
    readByVisitor: chat.readByVisitor,
    category: chat.category,
    subject: chat.subject,
    ratings: chat.ratings,
    survey: chat.survey,
    pageUrl: chat.pageUrl,
    pageTitle: chat.pageTitle,
    messageCount: chat.messageCount,
    lastMessage: chat.lastMessage,
    lastTsUs: chat.lastTsUs,
    version: chat.version + 1,
  };
}
