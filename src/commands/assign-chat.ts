/**
 * The master gives a waiting chat to an operator. Planned on the replica, checked again under the row locks: whatever
 * changed in between makes this one assignment fail, and the next plan sees why. Fenced by the lease's token (I5).
 */
import { isWaiting } from '../domain/chat.ts';
import { ChatError } from '../domain/error.ts';
import { canBeAssigned } from '../domain/operator.ts';
import { getOpenChat, getOperator } from './chat-rows.ts';
import type { Command } from './command.ts';

export interface AssignChat {
  readonly chatId: number;
  readonly operatorId: number;
  readonly defaultMaxChats: number;
  readonly leaseToken: number;
}

export function assignChat({ chatId, operatorId, defaultMaxChats, leaseToken }: AssignChat): Command<null> {
  return {
    name: 'assign',
    leaseToken,
    bytes: 200,
    addKeys(keys) {
      keys.chats.add(chatId);
      keys.operators.add(operatorId);
    },
    decide(rows, nowUs) {
      const chat = getOpenChat(rows, chatId);
      if (!isWaiting(chat)) throw new ChatError('conflict', 'chat-not-waiting', `chat ${chatId} waits no more`);
      if (!canBeAssigned(getOperator(rows, operatorId), chat, defaultMaxChats)) {
        throw new ChatError('conflict', 'operator-not-available', `operator ${operatorId} cannot be given chat ${chatId} any more`);
      }
      return { changes: [{ type: 'chat-assigned', chatId, operatorId, atUs: nowUs }], answer: null };
    },
  };
}
