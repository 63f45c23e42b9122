/** Read marks. Reading what is read already changes nothing. */
import { messageTime } from '../domain/message.ts';
import { getOpenChat, getOperator, refuseUnlessOwner } from './chat-rows.ts';
import { type Command, unchanged } from '../commit/command.ts';
import { STEP_BYTES } from './command-bytes.ts';

export function readByOperator({ operatorId, chatId }: { readonly operatorId: number; readonly chatId: number }): Command<null> {
  return {
    name: 'operator chat.read',
    bytes: 2_000,
    addKeys(keys) {
      keys.chats.add(chatId);
      keys.operators.add(operatorId);
      keys.unreadOf.add(chatId);
    },
    decide(rows) {
      getOperator(rows, operatorId);
      const chat = getOpenChat(rows, chatId);
      refuseUnlessOwner(chat, operatorId);
      const messageIds = rows.unreadIn(chat);
      const upToUs = messageTime(messageIds.at(-1) ?? '');
      if (upToUs === undefined) return unchanged(null);
      return { changes: [{ type: 'chat-read-by-operator', chatId, upToUs, messageIds }], answer: null };
    },
  };
}

export function readByVisitor(visitorId: string): Command<null> {
  return {
    name: 'chat.read_by_visitor',
    bytes: STEP_BYTES,
    addKeys(keys) {
      keys.openChatsOf.add(visitorId);
    },
    decide(rows) {
      const chat = rows.openChatOf(visitorId);
      if (chat === undefined || (chat.readByVisitor && chat.unreadByVisitorMsgCnt === 0)) return unchanged(null);
      return { changes: [{ type: 'chat-read-by-visitor', chatId: chat.id }], answer: null };
    },
  };
}
