/**
 * What happens to a message after it was sent: edited by its operator, deleted by whoever sent it, reacted to by the
 * visitor. Only in the open chat, and a repeat changes nothing.
 */
import type { Chat } from '../domain/chat.ts';
import { ChatError } from '../domain/error.ts';
import {
  canBeReactedTo,
  deletedMessage,
  isOperatorsText,
  isShownToVisitors,
  type Message,
  operatorSender,
  type Reaction,
  visitorSender,
} from '../domain/message.ts';
import type { Microseconds } from '../domain/time.ts';
import { getOpenChat, getOperator, nextMessageTime, refuseUnlessOwner } from './chat-rows.ts';
import { type Command, type Decision, unchanged } from '../commit/command.ts';
import { KNOWN_TEXT_BYTES, MESSAGE_BYTES, textBytes } from './command-bytes.ts';

export interface MessageOfOperator {
  readonly operatorId: number;
  readonly chatId: number;
  readonly visitorId: string;
  readonly messageId: string;
}

/** `text` undefined: delete it. */
export function changeByOperator(target: MessageOfOperator, text: string | undefined): Command<null> {
  const { operatorId, chatId, visitorId, messageId } = target;
  return {
    name: text === undefined ? 'operator chat.delete_message' : 'chat.edit_message',
    bytes: MESSAGE_BYTES + textBytes(text),
    addKeys(keys) {
      keys.chats.add(chatId);
      keys.operators.add(operatorId);
      keys.addMessage(visitorId, messageId);
    },
    decide(rows, nowUs) {
      getOperator(rows, operatorId);
      const chat = getOpenChat(rows, chatId);
      refuseUnlessOwner(chat, operatorId);
      const message = getMessageOf(chat, rows.message(messageId));
      if (message.sender !== operatorSender(operatorId)) throw notOwned();
      if (text === undefined) return deleted(chat, message, nowUs);
      if (message.deleted) throw notFound();
      if (!isOperatorsText(message)) throw notAllowed('only texts can be edited');
      if (message.text === text) return unchanged(null);
      return changed({ ...message, text, edited: true, changedUs: nextMessageTime(chat, nowUs) });
    },
  };
}

export function deleteByVisitor(visitorId: string, clientSideId: string): Command<null> {
  const sender = visitorSender(visitorId);
  return {
    name: 'chat.delete_message',
    bytes: MESSAGE_BYTES,
    addKeys(keys) {
      keys.openChatsOf.add(visitorId);
      keys.addSent(sender, clientSideId);
    },
    decide(rows, nowUs) {
      const message = rows.sentMessage(sender, clientSideId);
      if (message === undefined) throw notFound();
      const chat = rows.openChatOf(visitorId);
      if (chat?.id !== message.chatId) throw notAllowed('only messages of the current chat can be deleted');
      return deleted(chat, message, nowUs);
    },
  };
}

export function reactByVisitor(visitorId: string, messageId: string, reaction: Reaction): Command<null> {
  return {
    name: 'chat.react_message',
    bytes: MESSAGE_BYTES + KNOWN_TEXT_BYTES,
    addKeys(keys) {
      keys.openChatsOf.add(visitorId);
      keys.addMessage(visitorId, messageId);
    },
    decide(rows, nowUs) {
      const message = rows.message(messageId);
      if (message === undefined || message.deleted || !isShownToVisitors(message.kind)) throw notFound();
      const chat = rows.openChatOf(visitorId);
      if (chat?.id !== message.chatId || !canBeReactedTo(message)) throw notAllowed('this message cannot be reacted to');
      if (message.reaction === reaction) return unchanged(null);
      return changed({ ...message, reaction, changedUs: nextMessageTime(chat, nowUs) });
    },
  };
}

function deleted(chat: Chat, message: Message, nowUs: Microseconds): Decision<null> {
  return message.deleted ? unchanged(null) : changed(deletedMessage(message, nextMessageTime(chat, nowUs)));
}

function changed(message: Message): Decision<null> {
  return { changes: [{ type: 'message-edited', message }], answer: null };
}

function getMessageOf(chat: Chat, message: Message | undefined): Message {
  if (message?.chatId !== chat.id) throw notFound();
  return message;
}

function notFound(): ChatError {
  return new ChatError('not-found', 'message-not-found', 'there is no such message');
}

function notOwned(): ChatError {
  return new ChatError('forbidden', 'message-not-owned', "this message is somebody else's");
}

function notAllowed(why: string): ChatError {
  return new ChatError('forbidden', 'not-allowed', why);
}
