/** What a chat is about, in the words of its operator or of a supervisor. */
import { ChatError } from '../domain/error.ts';
import { supervises } from '../domain/operator.ts';
import { getOpenChat, getOperator, isOwner } from './chat-rows.ts';
import { type Command, unchanged } from './command.ts';
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
