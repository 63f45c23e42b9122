/** The visitor's opinion of the operator of his chat, open or closed; a new one takes the place of the last. */
import type { Rating } from '../domain/chat.ts';
import { ChatError } from '../domain/error.ts';
import { type Command, unchanged } from '../commit/command.ts';
import { STEP_BYTES, textBytes } from './command-bytes.ts';

export interface RateOperator {
  readonly visitorId: string;
  /** His newest chat. */
  readonly chatId: number;
  /** undefined: whoever has or had the chat. */
  readonly operatorId: number | undefined;
  readonly rating: Rating;
}

export function rateOperator({ visitorId, chatId, operatorId: named, rating }: RateOperator): Command<null> {
  return {
    name: 'chat.operator_rate_select',
    bytes: STEP_BYTES + textBytes(rating.note),
    addKeys(keys) {
      keys.chats.add(chatId);
    },
    decide(rows) {
      const chat = rows.chat(chatId);
      if (chat?.visitorId !== visitorId) throw new ChatError('conflict', 'no-chat', 'there is no chat to rate');
      const operatorId = named ?? chat.operatorId;
      if (operatorId === null || chat.operatorId !== operatorId) {
        throw new ChatError('conflict', 'operator-not-in-chat', 'this operator was not in the chat');
      }
      const known = chat.ratings[operatorId];
      if (known?.rating === rating.rating && known.note === rating.note) return unchanged(null);
      return { changes: [{ type: 'chat-rated', chatId, visitorId, operatorId, rating }], answer: null };
    },
  };
}
