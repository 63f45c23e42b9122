/**
 * The master asks operators to take waiting chats, many at once. Planned on the replica, each checked again on the rows of
 * this moment: one that has become impossible is left out, and the next plan sees why. Fenced by the lease's token (I5).
 */
import type { Assignment } from '../domain/assignment.ts';
import { packRecord } from '../domain/assignment-record.ts';
import type { Change } from '../domain/change.ts';
import { type Chat, isWaiting } from '../domain/chat.ts';
import { type AssignmentRules, canBeAssigned } from '../domain/eligibility.ts';
import { type Operator, withLoad } from '../domain/operator.ts';
import type { Command } from './command.ts';
import { moveChat } from './move-chat.ts';

/** With a hundred candidates named; the chat's change and history besides. */
const BYTES_EACH = 400;

export interface Assigned {
  /** How many of the plan; the others had become impossible. */
  readonly count: number;
}

export function assignChats(plan: readonly Assignment[], rules: AssignmentRules, leaseToken: number): Command<Assigned> {
  return {
    name: 'assign',
    leaseToken,
    weight: plan.length,
    bytes: plan.length * BYTES_EACH,
    addKeys(keys) {
      for (const { chatId, operatorId } of plan) {
        keys.chats.add(chatId);
        keys.operators.add(operatorId);
      }
    },
    decide(rows, nowUs) {
      const changes: Change[] = [];
      const records: string[] = [];
      /** With what this plan has given them so far. */
      const operators = new Map<number, Operator>();
      for (const { chatId, operatorId, record } of plan) {
        const chat: Chat | undefined = rows.chat(chatId);
        const operator = operators.get(operatorId) ?? rows.operator(operatorId);
        if (chat === undefined || operator === undefined || !isWaiting(chat) || !canBeAssigned(operator, chat, rules, nowUs)) continue;
        const moved = moveChat(chat, 'assigned', { atUs: nowUs, by: null, assignedOperatorId: operatorId });
        operators.set(operatorId, withLoad(operator, operator.load + 1, nowUs));
        changes.push(moved);
        records.push(packRecord(record));
      }
      return { changes, records, answer: { count: changes.length } };
    },
  };
}
