/**
 * An operator says something in a chat that is his or assigned to him; the assignee's first message takes the chat.
 * A repeat of the client id returns the first answer, also after the chat was closed.
 */
import type { Change } from '../domain/change.ts';
import { type Message, messageId, type MessageKind, operatorSender, quoteOf } from '../domain/message.ts';
import { getOpenChat, getOperator, nextMessageTime, refuseUnlessBearer } from './chat-rows.ts';
import { type Command, unchanged } from './command.ts';
import type { SentMessage } from './send-visitor-message.ts';

export interface OperatorWords {
  readonly operatorId: number;
  readonly chatId: number;
  readonly clientSideId: string;
  readonly kind: Extract<MessageKind, 'operator' | 'for_operator' | 'file_operator' | 'keyboard' | 'cont_req'>;
  readonly text: string;
  readonly data: unknown;
  readonly quoted?: { readonly visitorId: string; readonly messageId: string } | undefined;
  readonly nonce: string;
}

export function sendOperatorMessage(words: OperatorWords): Command<SentMessage> {
  const { operatorId, chatId, clientSideId, kind, text, data, quoted } = words;
  const sender = operatorSender(operatorId);
  return {
    name: 'operator chat.message',
    bytes: 500 + text.length,
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
      refuseUnlessBearer(chat, operatorId);
      const tsUs = nextMessageTime(chat, nowUs);
      const message: Message = {
        id: messageId(tsUs, words.nonce),
        chatId,
        visitorId: chat.visitorId,
        visitSessionId: chat.visitSessionId,
        sender,
        clientSideId,
        kind,
        authorId: operatorId,
        name: operator.fullname,
        avatar: operator.avatar,
        text,
        data,
        tsUs,
        changedUs: tsUs,
        edited: false,
        deleted: false,
        quote: quoted === undefined ? null : quoteOf(rows.message(quoted.messageId)),
        reaction: null,
      };
      const changes: Change[] = [];
      if (chat.operatorId === null) changes.push({ type: 'chat-taken', chatId, operatorId, atUs: nowUs });
      changes.push({ type: 'message-added', message });
      return { changes, answer: { id: message.id, tsUs } };
    },
  };
}
