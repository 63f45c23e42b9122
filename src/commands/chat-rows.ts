/** Questions that several commands ask of the locked rows; each throws the ChatError that a client is shown. */
import { bearerOf, type Chat, isOpen } from '../domain/chat.ts';
import { ChatError } from '../domain/error.ts';
import type { Operator } from '../domain/operator.ts';
import { capacityOf, hasRoom } from '../domain/operator.ts';
import type { Microseconds } from '../domain/time.ts';
import type { Visitor } from '../domain/visitor.ts';
import type { BatchRows } from '../commit/batch-rows.ts';

export function getVisitor(rows: BatchRows, visitorId: string): Visitor {
  const visitor = rows.visitor(visitorId);
  if (visitor === undefined) throw new ChatError('reinit-required', 'reinit-required', 'the visitor is not known');
  return visitor;
}

export function getOpenChat(rows: BatchRows, chatId: number): Chat {
  const chat = rows.chat(chatId);
  if (chat === undefined) throw new ChatError('not-found', 'chat-not-found', `there is no chat ${chatId}`);
  if (!isOpen(chat)) throw new ChatError('conflict', 'chat-closed', `chat ${chatId} is closed`);
  return chat;
}

export function getOperator(rows: BatchRows, operatorId: number): Operator {
  const operator = rows.operator(operatorId);
  if (operator === undefined) throw new ChatError('not-found', 'operator-not-found', `there is no operator ${operatorId}`);
  if (operator.disabled) throw new ChatError('forbidden', 'operator-disabled', 'this operator is disabled');
  return operator;
}

/** The chat is this operator's, taken or assigned to him. */
export function isOwner(chat: Chat, operatorId: number): boolean {
  return (chat.operatorId ?? chat.assignedOperatorId) === operatorId;
}

export function refuseUnlessOwner(chat: Chat, operatorId: number): void {
  if (!isOwner(chat, operatorId)) throw new ChatError('forbidden', 'not-your-chat', `chat ${chat.id} is not yours`);
}

/** Room for one more chat (I2); a chat that he bears already uses no more. Returns whether `mayOverride` was needed. */
export function refuseWithoutRoom(operator: Operator, chat: Chat | undefined, defaultMaxChats: number, mayOverride = false): boolean {
  if (bearerOf(chat) === operator.id || hasRoom(operator, defaultMaxChats)) return false;
  if (mayOverride) return true;
  const maxChats = capacityOf(operator, defaultMaxChats);
  throw new ChatError('conflict', 'capacity-exceeded', `${operator.fullname} has ${operator.load} of ${maxChats} chats`, {
    data: { load: operator.load, maxChats },
  });
}

/** The time of the next message: unique and in commit order per visitor, because he has one open chat. */
export function nextMessageTime(chat: Chat, nowUs: Microseconds): Microseconds {
  return Math.max(nowUs, chat.lastTsUs + 1);
}

/** Makes sure that all rows that the end of a chat changes are locked: the visitor takes his clock back, its bearer loses load. */
export function lockForClosing(rows: BatchRows, chat: Chat): void {
  getVisitor(rows, chat.visitorId);
  rows.lockBearer(bearerOf(chat));
}
