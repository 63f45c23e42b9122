/**
 * An operator takes a chat by hand. Of two who take it at once one wins, and the other is told who has it (I1).
 * Taking one's own chat answers ok. A supervisor may go beyond his capacity with `override`, which is recorded.
 */
import { bearerOf } from '../domain/chat.ts';
import type { AssignmentMode } from '../domain/department.ts';
import { ChatError } from '../domain/error.ts';
import { isAdmin, supervises, worksIn } from '../domain/operator.ts';
import { getOpenChat, getOperator, refuseWithoutRoom } from './chat-rows.ts';
import { type Command, unchanged } from '../commit/command.ts';
import { moveChat } from './move-chat.ts';
import { STEP_BYTES } from './command-bytes.ts';

export interface TakeChat {
  readonly operatorId: number;
  readonly chatId: number;
  readonly override: boolean;
  readonly defaultMaxChats: number;
  /** Of the chat's department. */
  readonly mode: AssignmentMode;
}

export function takeChat({ operatorId, chatId, override, defaultMaxChats, mode }: TakeChat): Command<null> {
  return {
    name: 'chat.take',
    bytes: STEP_BYTES,
    addKeys(keys, hot) {
      keys.addChatWithBearer(chatId, hot);
      keys.operators.add(operatorId);
    },
    decide(rows, nowUs) {
      const operator = getOperator(rows, operatorId);
      const chat = getOpenChat(rows, chatId);
      if (chat.operatorId === operatorId && chat.state !== 'hold') return unchanged(null);
      // Before it is said who has it: that is nobody's business who works elsewhere.
      if (!worksIn(operator, chat.departmentKey) && !isAdmin(operator)) {
        throw new ChatError('forbidden', 'wrong-department', `you do not work in department ${chat.departmentKey ?? ''}`);
      }
      if (chat.operatorId !== null && chat.operatorId !== operatorId) {
        const holder = rows.operator(chat.operatorId);
        throw new ChatError('conflict', 'chat-already-taken', `chat ${chatId} was taken by ${holder?.fullname ?? 'another operator'}`, {
          data: { operatorId: chat.operatorId, fullname: holder?.fullname ?? '' },
        });
      }
      const isSupervisor = supervises(operator, chat.departmentKey);
      if (mode === 'automatic' && chat.operatorId === null && chat.assignedOperatorId !== operatorId && !isSupervisor) {
        throw new ChatError('forbidden', 'not-allowed', 'chats of this department are assigned, nobody helps himself');
      }
      const overrides = refuseWithoutRoom(operator, chat, defaultMaxChats, override && isSupervisor);
      rows.lockBearer(bearerOf(chat));
      return { changes: [moveChat(chat, 'taken', { atUs: nowUs, by: operatorId, operatorId, override: overrides })], answer: null };
    },
  };
}
