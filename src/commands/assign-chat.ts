/**
 * The master asks an operator to take a waiting chat. Planned on the replica, checked again under the row locks: whatever
 * changed in between makes this one assignment fail, and the next plan sees why. Fenced by the lease's token (I5).
 */
import type { Assignment } from '../domain/assignment.ts';
import { packRecord } from '../domain/assignment-record.ts';
import { isWaiting } from '../domain/chat.ts';
import { type AssignmentRules, canBeAssigned } from '../domain/eligibility.ts';
import { ChatError } from '../domain/error.ts';
import { getOpenChat, getOperator } from './chat-rows.ts';
import type { Command } from './command.ts';
import { moveChat } from './move-chat.ts';

export function assignChat({ chatId, operatorId, record }: Assignment, rules: AssignmentRules, leaseToken: number): Command<null> {
  const packed = packRecord(record);
  return {
    name: 'assign',
    leaseToken,
    bytes: 200 + packed.length,
    addKeys(keys) {
      keys.chats.add(chatId);
      keys.operators.add(operatorId);
    },
    decide(rows, nowUs) {
      const chat = getOpenChat(rows, chatId);
      if (!isWaiting(chat)) throw new ChatError('conflict', 'chat-not-waiting', `chat ${chatId} waits no more`);
      if (!canBeAssigned(getOperator(rows, operatorId), chat, rules, nowUs)) {
        throw new ChatError('conflict', 'operator-not-available', `operator ${operatorId} cannot be given chat ${chatId} any more`);
      }
      const moved = moveChat(chat, 'assigned', { atUs: nowUs, by: null, assignedOperatorId: operatorId });
      return { changes: [moved], answer: null, record: packed };
    },
  };
}
