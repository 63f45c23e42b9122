/**
 * An operator says something in a chat that is his or assigned to him; the assignee's first message takes the chat,
 * and one in a chat on hold resumes it.
 * A repeat of the client id returns the first answer, also after the chat was closed.
 */
import type { Change } from '../domain/change.ts';
import type { Chat } from '../domain/chat.ts';
import { type Message, messageId, type MessageKind, operatorSender, type Quote, quoteOf } from '../domain/message.ts';
import type { Operator } from '../domain/operator.ts';
import type { Microseconds } from '../domain/time.ts';
import { getOpenChat, getOperator, nextMessageTime, refuseUnlessOwner, refuseWithoutRoom } from './chat-rows.ts';
import { type Command, unchanged } from '../commit/command.ts';
import { moveChat } from './move-chat.ts';
import type { SentMessage } from './send-visitor-message.ts';
import { jsonBytes, KNOWN_TEXT_BYTES, MESSAGE_BYTES, STEP_BYTES, textBytes } from './command-bytes.ts';

export interface OperatorWords {
  readonly operatorId: number;
  readonly chatId: number;
  readonly clientSideId: string;
  readonly kind: Extract<MessageKind, 'operator' | 'for_operator' | 'file_operator' | 'keyboard' | 'cont_req'>;
  readonly text: string;
  readonly data: unknown;
  readonly quoted?: { readonly visitorId: string; readonly messageId: string } | undefined;
  readonly defaultMaxChats: number;
  readonly nonce: string;
}

export function sendOperatorMessage(words: OperatorWords): Command<SentMessage> {
  const { operatorId, chatId, clientSideId, text, quoted } = words;
  const sender = operatorSender(operatorId);
  return {
    name: 'operator chat.message',
    bytes: MESSAGE_BYTES + STEP_BYTES + textBytes(text) + jsonBytes(words.data) + (quoted === undefined ? 0 : KNOWN_TEXT_BYTES),
    addKeys(keys) {
      keys.chats.add(chatId);
      keys.operators.add(operatorId);
      keys.addSent(sender, clientSideId);
      if (quoted !== undefined) keys.addMessage(quoted.visitorId, quoted.messageId);
    },
    decide(rows, nowUs) {
      const operator = getOperator(rows, operatorId);
      const sent = rows.sentMessage(sender, clientSideId);
      if (sent !== undefined) return unchanged({ id: sent.id, tsUs: sent.tsUs });
      const chat = getOpenChat(rows, chatId);
      refuseUnlessOwner(chat, operatorId);
      const changes: Change[] = [];
      if (chat.operatorId === null) changes.push(moveChat(chat, 'taken', { atUs: nowUs, by: operatorId, operatorId }));
      if (chat.state === 'hold') {
        refuseWithoutRoom(operator, chat, words.defaultMaxChats);
        changes.push(moveChat(chat, 'resumed', { atUs: nowUs, by: operatorId, operatorId }));
      }
      const quote = quoted === undefined ? null : quoteOf(rows.message(quoted.messageId));
      const message = operatorMessage(chat, operator, words, quote, nextMessageTime(chat, nowUs));
      changes.push({ type: 'message-added', message });
      return { changes, answer: { id: message.id, tsUs: message.tsUs } };
    },
  };
}

export function operatorMessage(
  chat: Chat,
  operator: Operator,
  words: Omit<OperatorWords, 'quoted' | 'defaultMaxChats'>,
  quote: Quote | null,
  tsUs: Microseconds,
): Message {
  return {
    id: messageId(tsUs, words.nonce),
    chatId: chat.id,
    visitorId: chat.visitorId,
    visitSessionId: chat.visitSessionId,
    sender: operatorSender(operator.id),
    clientSideId: words.clientSideId,
    kind: words.kind,
    authorId: operator.id,
    name: operator.fullname,
    avatar: operator.avatar,
    text: words.text,
    data: words.data,
    tsUs,
    changedUs: tsUs,
    edited: false,
    deleted: false,
    quote,
    reaction: null,
  };
}
