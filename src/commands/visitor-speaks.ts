/**
 * What it means for a chat that its visitor says something: a chat on hold returns to its operator if he is there and has
 * room, else to the queue at its original place; an invitation is accepted; a closed chat is opened again.
 */
import { type Chat, isOpen, nextVersion } from '../domain/chat.ts';
import type { Change } from '../domain/change.ts';
import type { KeySet } from '../commit/key-set.ts';
import { hasRoom } from '../domain/operator.ts';
import type { Microseconds } from '../domain/time.ts';
import type { Page, Visitor } from '../domain/visitor.ts';
import type { BatchRows } from '../commit/batch-rows.ts';
import { moveChat } from './move-chat.ts';

/** A visitor's last chat, which he goes on with when he writes soon enough. */
export interface Reopening {
  readonly chatId: number;
  /** Who had it. */
  readonly operatorId: number | null;
  /** So long after it was closed. */
  readonly withinUs: Microseconds;
  /** Out of the hours of its department. */
  readonly offline: boolean;
  readonly defaultMaxChats: number;
}

/** Who may get the chat back. */
export function addOperatorOfHeld(keys: KeySet, chat: Chat | undefined): void {
  if (chat?.state === 'hold') keys.addOperator(chat.operatorId);
}

/** What happens to an open chat before the message. */
export function wake(chat: Chat, rows: BatchRows, defaultMaxChats: number, nowUs: Microseconds): Change[] {
  const details = { atUs: nowUs, by: null };
  if (chat.state === 'invitation') return [moveChat(chat, 'accepted', { ...details, operatorId: chat.operatorId })];
  if (chat.state !== 'hold') return [];
  if (canHaveBack(rows, chat.operatorId, defaultMaxChats)) return [moveChat(chat, 'resumed', { ...details, operatorId: chat.operatorId })];
  return [moveChat(chat, 'requeued', details)];
}

/** The last chat as it is when it is opened again; undefined when it is too late. */
export function reopened(
  rows: BatchRows,
  { chatId, withinUs, offline, defaultMaxChats }: Reopening,
  visitor: Visitor,
  page: Page,
  nowUs: Microseconds,
): Extract<Change, { type: 'chat-opened' }> | undefined {
  const last = rows.chat(chatId);
  if (last?.visitorId !== visitor.id || isOpen(last) || nowUs - last.modifiedUs > withinUs) return undefined;
  const goesOn = last.state === 'closed_by_operator' && canHaveBack(rows, last.operatorId, defaultMaxChats);
  const chat: Chat = {
    ...nextVersion(last),
    state: goesOn ? 'chatting' : 'queue',
    operatorId: goesOn ? last.operatorId : null,
    assignedOperatorId: null,
    assignedUs: null,
    declined: [],
    lastOperatorId: last.operatorId ?? last.lastOperatorId,
    visitorFields: visitor.fields,
    visitorVerified: visitor.verified,
    visitSessionId: page.visitSessionId,
    offline,
    queuedUs: nowUs,
    modifiedUs: nowUs,
    survey: null,
    lastTsUs: visitor.lastTsUs,
  };
  return { type: 'chat-opened', chat, as: goesOn ? 'continued' : 'reopened' };
}

/** He is there, even if he takes no new ones. */
function canHaveBack(rows: BatchRows, operatorId: number | null, defaultMaxChats: number): boolean {
  const operator = operatorId === null ? undefined : rows.operator(operatorId);
  return operator !== undefined && !operator.disabled && operator.statusSort !== 'offline' && hasRoom(operator, defaultMaxChats);
}
