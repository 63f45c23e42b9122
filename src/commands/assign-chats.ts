/**
 * The master asks operators to take waiting chats, many at once. Planned on the replica, each checked again on the rows of
 * this moment: one that has become impossible is left out, and the next plan sees why. Fenced by the lease's token (I5).
 */
import type { Assignment } from '../domain/assignment.ts';
import { packRecord } from '../domain/assignment-record.ts';
import type { Change } from '../domain/change.ts';
import { isWaiting } from '../domain/chat.ts';
import { type AssignmentRules, canBeAssigned } from '../domain/eligibility.ts';
import type { Command } from '../commit/command.ts';
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
      /** By this command, so far. */
      const givenTo = new Map<number, number>();
      for (const { chatId, operatorId, record } of plan) {
        const chat = rows.chat(chatId);
        const operator = rows.operator(operatorId);
        const given = givenTo.get(operatorId) ?? 0;
        if (chat === undefined || operator === undefined || !isWaiting(chat) || !canBeAssigned(operator, chat, rules, nowUs, given))
          continue;
        givenTo.set(operatorId, given + 1);
        changes.push(moveChat(chat, 'assigned', { atUs: nowUs, by: null, assignedOperatorId: operatorId }));
        records.push(packRecord(record));
      }
      return { changes, records, answer: { count: changes.length } };
    },
  };
}
