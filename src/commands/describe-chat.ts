/** What a chat is about, in the words of its operator or of a supervisor; and which page of the site its visitor is on by now. */
import { ChatError } from '../domain/error.ts';
import { supervises } from '../domain/operator.ts';
import type { Page } from '../domain/visitor.ts';
import { getOpenChat, getOperator, isOwner } from './chat-rows.ts';
import { type Command, unchanged } from '../commit/command.ts';
import { STEP_BYTES, textBytes } from './command-bytes.ts';

export interface ChatSubject {
  readonly operatorId: number;
  readonly chatId: number;
  /** undefined: as it is; null: none. */
  readonly category: string | null | undefined;
  readonly subject: string | null | undefined;
}

export function setChatSubject({ operatorId, chatId, ...given }: ChatSubject): Command<null> {
  return {
    name: 'chat.set_subject',
    bytes: STEP_BYTES + textBytes(given.category, given.subject),
    addKeys(keys) {
      keys.chats.add(chatId);
      keys.operators.add(operatorId);
    },
    decide(rows) {
      const operator = getOperator(rows, operatorId);
      const chat = getOpenChat(rows, chatId);
      if (!isOwner(chat, operatorId) && !supervises(operator, chat.departmentKey)) {
        throw new ChatError('forbidden', 'not-your-chat', `chat ${chatId} is not yours`);
      }
      const { category = chat.category, subject = chat.subject } = given;
      if (category === chat.category && subject === chat.subject) return unchanged(null);
      return { changes: [{ type: 'chat-described', chatId, category, subject, offline: chat.offline }], answer: null };
    },
  };
}

/** Where it was begun counts for its place in the queue (`priority_pages`), and stays as it was. */
export function setChatPage({ visitorId, url, title }: Pick<Page, 'visitorId' | 'url' | 'title'>): Command<null> {
  return {
    name: 'widget.update',
    bytes: STEP_BYTES + textBytes(url, title),
    addKeys(keys) {
      keys.openChatsOf.add(visitorId);
    },
    decide(rows) {
      const chat = rows.openChatOf(visitorId);
      if (chat === undefined || (chat.pageUrl === url && chat.pageTitle === title)) return unchanged(null);
      const { id: chatId, category, subject, offline } = chat;
      return { changes: [{ type: 'chat-described', chatId, category, subject, offline, page: { url, title } }], answer: null };
    },
  };
}
