/** The master takes back what it has asked of an operator who may not take it any more; fenced (I5). The chat keeps its place. */
import { bearerOf } from '../domain/chat.ts';
import type { AssignmentRules } from '../domain/eligibility.ts';
import { whyWithdrawn } from '../domain/withdrawal.ts';
import { STEP_BYTES } from './command-bytes.ts';
import { type Command, unchanged } from '../commit/command.ts';
import { moveChat } from './move-chat.ts';

export interface AssignmentToWithdraw {
  readonly chatId: number;
  readonly operatorId: number;
  readonly isChanged: boolean;
  readonly isSpoken: boolean;
  readonly rules: AssignmentRules;
  readonly leaseToken: number;
}

/** Answers whether it was. He has not declined it: when he is back he may be asked again. */
export function withdrawAssignment({ chatId, operatorId, isChanged, isSpoken, rules, leaseToken }: AssignmentToWithdraw): Command<boolean> {
  return {
    name: 'withdraw assignment',
    leaseToken,
    bytes: STEP_BYTES,
    addKeys(keys) {
      keys.chats.add(chatId);
      keys.operators.add(operatorId);
    },
    decide(rows, nowUs) {
      const chat = rows.chat(chatId);
      const operator = rows.operator(operatorId);
      if (chat === undefined || operator === undefined || chat.assignedOperatorId !== operatorId) return unchanged(false);
      const because = whyWithdrawn(chat, operator, rules, { nowUs, isChanged, isSpoken });
      if (because === undefined) return unchanged(false);
      rows.lockBearer(bearerOf(chat));
      return { changes: [moveChat(chat, 'withdrawn', { atUs: nowUs, by: null })], records: [because], answer: true };
    },
  };
}
