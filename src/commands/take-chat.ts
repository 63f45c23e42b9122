/**
 * An operator takes a chat by hand. Of two who take it at once one wins, and the other is told who has it (I1).
 * Taking one's own chat answers ok. A supervisor may go beyond his capacity with `override`.
 */
import { ChatError } from '../domain/error.ts';
import { isAdmin, isSupervisor, worksIn } from '../domain/operator.ts';
import { getOpenChat, getOperator, refuseWithoutRoom } from './chat-rows.ts';
import { type Command, unchanged } from './command.ts';

export interface TakeChat {
  readonly operatorId: number;
  readonly chatId: number;
  readonly override: boolean;
  readonly defaultMaxChats: number;
}

export function takeChat({ operatorId, chatId, override, defaultMaxChats }: TakeChat): Command<null> {
  return {
    name: 'chat.take',
    bytes: 200,
    addKeys(keys, hot) {
      keys.addChatWithBearer(chatId, hot);
      keys.operators.add(operatorId);
    },
    decide(rows, nowUs) {
      const operator = getOperator(rows, operatorId);
      const chat = getOpenChat(rows, chatId);
      if (chat.operatorId === operatorId) return unchanged(null);
      if (chat.operatorId !== null) {
        const holder = rows.operator(chat.operatorId);
        throw new ChatError('conflict', 'chat-already-taken', `chat ${chatId} was taken by ${holder?.fullname ?? 'another operator'}`, {
          data: { operatorId: chat.operatorId, fullname: holder?.fullname ?? '' },
        });
      }
      if (!worksIn(operator, chat.departmentKey) && !isAdmin(operator)) {
        throw new ChatError('forbidden', 'wrong-department', `you do not work in department ${chat.departmentKey ?? ''}`);
      }
      const mayOverride = override && (isSupervisor(operator) || isAdmin(operator));
      if (!mayOverride) refuseWithoutRoom(operator, chat, defaultMaxChats);
      rows.lockBearer(chat.assignedOperatorId);
      return { changes: [{ type: 'chat-taken', chatId, operatorId, atUs: nowUs }], answer: null };
    },
  };
}
