/** A change as operators hear it (docs/protocol/operator.md 3.2). */
import type { Hearing } from '../domain/audience.ts';
import type { Change } from '../domain/change.ts';
import { type Chat, isOpen } from '../domain/chat.ts';
import { isFromVisitor } from '../domain/message.ts';
import type { Delta } from './delta.ts';
import { chatRead, chatState, chatVisitor, operatorChat, operatorMessage } from './operator-objects.ts';

/**
 * What those with this hearing are told of a change of a chat. Not for hearing `own`, which needs the chat's messages
 * (see `ownChat`).
 */
export function chatDeltas(change: Change, before: Chat | undefined, after: Chat, hearing: Exclude<Hearing, 'own'>): Delta[] {
  const state: Delta = { objectType: 'CHAT_STATE', event: 'upd', id: after.id, data: chatState(after) };
  const gone: Delta = { objectType: 'CHAT', event: 'del', id: after.id, data: null };
  if (hearing === 'del') return isOpen(after) ? [gone] : [state, gone];
  if (hearing === 'add') return [{ objectType: 'CHAT', event: 'add', id: after.id, data: operatorChat(after) }];
  const read: Delta = { objectType: 'CHAT_READ', event: 'upd', id: after.id, data: chatRead(after) };
  switch (change.type) {
    case 'message-added':
    case 'message-edited':
      return [
        {
          objectType: 'CHAT_MESSAGE',
          event: change.type === 'message-added' ? 'add' : change.message.deleted ? 'del' : 'upd',
          id: change.message.id,
          data: {
            chatId: after.id,
            message: operatorMessage(change.message, isFromVisitor(change.message) && change.message.tsUs <= after.readByOperatorUs),
          },
        },
        ...(sameRead(before, after) ? [] : [read]),
      ];
    case 'survey-changed':
      return [];
    case 'chat-rated':
    case 'chat-described':
      return [{ objectType: 'CHAT', event: 'upd', id: after.id, data: operatorChat(after) }];
    case 'chat-moved':
      if (before?.departmentKey === after.departmentKey) return [state];
      return [{ objectType: 'CHAT', event: 'upd', id: after.id, data: operatorChat(after) }];
    case 'visitor-changed':
      return [{ objectType: 'VISITOR', event: 'upd', id: after.visitorId, data: { chatId: after.id, visitor: chatVisitor(after) } }];
    case 'chat-read-by-operator':
    case 'chat-read-by-visitor':
      return [read];
    default:
      return [state];
  }
}

/** The chat has become his own: the whole object with its messages, as an update of what he saw in the queue. */
export function ownChat(chat: Chat, messages: readonly object[]): Delta {
  return { objectType: 'CHAT', event: 'upd', id: chat.id, data: operatorChat(chat, messages) };
}

export function visitorTypingDelta(chatId: number, typing: boolean, draft: string | null): Delta {
  return { objectType: 'CHAT_VISITOR_TYPING', event: 'upd', id: chatId, data: draft === null ? { typing } : { typing, draft } };
}

export function operatorTypingDelta(chatId: number, operatorId: number, typing: boolean): Delta {
  return { objectType: 'CHAT_OPERATOR_TYPING', event: 'upd', id: chatId, data: { operatorId, typing } };
}

/** The number of unread messages follows from the messages themselves; marks do not. */
function sameRead(before: Chat | undefined, after: Chat): boolean {
  return (
    before !== undefined &&
    before.readByVisitor === after.readByVisitor &&
    before.unreadByOperatorSinceUs === after.unreadByOperatorSinceUs &&
    before.unreadByVisitorSinceUs === after.unreadByVisitorSinceUs
  );
}
