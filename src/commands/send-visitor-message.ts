/**
 * A visitor says something. The same client id with the same text is a repeat (ok, nothing happens), with another text
 * an edit while the chat is open. Without an open chat the last one is opened again, or one is begun.
 */
import type { Change } from '../domain/change.ts';
import { ChatError } from '../domain/error.ts';
import { canBeEdited, type Message, quoteOf, visitorSender } from '../domain/message.ts';
import type { BatchRows } from '../commit/batch-rows.ts';
import { getVisitor, nextMessageTime } from './chat-rows.ts';
import { type Command, type Decision, unchanged } from '../commit/command.ts';
import { type ChatOpening, newChat, visitorMessage, type VisitorWords } from './start-chat.ts';
import { addOperatorOfHeld, reopened, type Reopening, wake } from './visitor-speaks.ts';
import { chatBytes, jsonBytes, KNOWN_TEXT_BYTES, MESSAGE_BYTES, textBytes } from './command-bytes.ts';

export interface SentMessage {
  readonly id: string;
  readonly tsUs: number;
}

/** `words` with the id of the message that they quote. */
export type SaidByVisitor = Omit<VisitorWords, 'quote'> & { readonly quotedId: string | undefined };

/** Without an open chat: the last one is opened again, or one is begun. */
export interface Speaking extends Omit<ChatOpening, 'clientSideId'> {
  readonly defaultMaxChats: number;
  readonly reopening?: Reopening | undefined;
}

export function sendVisitorMessage(words: SaidByVisitor, speaking: Speaking): Command<SentMessage> {
  const { page, reopening, defaultMaxChats } = speaking;
  const { quotedId } = words;
  const sender = visitorSender(page.visitorId);
  return {
    name: 'chat.message',
    bytes: MESSAGE_BYTES + chatBytes(page) + textBytes(words.text) + jsonBytes(words.data) + (quotedId ? KNOWN_TEXT_BYTES : 0),
    addKeys(keys, hot) {
      keys.openChatsOf.add(page.visitorId);
      keys.addSent(sender, words.clientSideId);
      if (quotedId !== undefined) keys.addMessage(page.visitorId, quotedId);
      const open = hot.openChatOf(page.visitorId);
      addOperatorOfHeld(keys, open);
      if (open !== undefined) return;
      keys.visitors.add(page.visitorId);
      keys.newChats += 1;
      if (reopening === undefined) return;
      keys.chats.add(reopening.chatId);
      keys.addOperator(reopening.operatorId);
    },
    decide(rows, nowUs) {
      const sent = rows.sentMessage(sender, words.clientSideId);
      if (sent !== undefined) return repeatOrEdit(rows, sent, words, nowUs);
      let chat = rows.openChatOf(page.visitorId);
      const changes: Change[] = chat === undefined ? [] : wake(chat, rows, defaultMaxChats, nowUs);
      if (chat === undefined) {
        const visitor = getVisitor(rows, page.visitorId);
        const again = reopening === undefined ? undefined : reopened(rows, reopening, visitor, page, nowUs);
        chat = again?.chat ?? newChat(rows.newChatId(), visitor, { ...speaking, clientSideId: `${words.clientSideId}-chat` }, nowUs);
        changes.push(again ?? { type: 'chat-opened', chat, as: 'opened' });
      }
      const quote = quotedId === undefined ? null : quoteOf(rows.message(quotedId));
      const message = visitorMessage(chat, page, { ...words, quote }, nowUs);
      changes.push({ type: 'message-added', message });
      return { changes, answer: { id: message.id, tsUs: message.tsUs } };
    },
  };
}

function repeatOrEdit(rows: BatchRows, sent: Message, { kind, text }: SaidByVisitor, nowUs: number): Decision<SentMessage> {
  const answer = { id: sent.id, tsUs: sent.tsUs };
  if (sent.text === text || sent.deleted || (kind === sent.kind && !canBeEdited(sent))) return unchanged(answer);
  if (!canBeEdited(sent)) throw new ChatError('forbidden', 'not-allowed', 'only texts can be edited');
  const chat = rows.openChatOf(sent.visitorId);
  if (chat?.id !== sent.chatId) {
    throw new ChatError('forbidden', 'not-allowed', 'only messages of the current chat can be edited');
  }
  const message: Message = { ...sent, text, edited: true, changedUs: nextMessageTime(chat, nowUs) };
  return { changes: [{ type: 'message-edited', message }], answer };
}
