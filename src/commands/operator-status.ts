/** An operator's status: his own, whatever tab or device he sets it in. */
import type { OperatorStatus } from '../domain/operator.ts';
import type { Microseconds } from '../domain/time.ts';
import { getOperator } from './chat-rows.ts';
import { type Command, unchanged } from './command.ts';

export interface StatusSet {
  readonly status: string;
  readonly statusUs: Microseconds;
}

export function setOperatorStatus(operatorId: number, status: OperatorStatus): Command<StatusSet> {
  return {
    name: 'set-status',
    bytes: 200,
    addKeys(keys) {
      keys.operators.add(operatorId);
    },
    decide(rows, nowUs) {
      const operator = getOperator(rows, operatorId);
      if (operator.status === status.name && operator.statusSort === status.sort) {
        return unchanged({ status: operator.status, statusUs: operator.statusUs });
      }
      return {
        changes: [{ type: 'operator-status-set', operatorId, status: status.name, sort: status.sort, reason: 'set', atUs: nowUs }],
        answer: { status: status.name, statusUs: nowUs },
      };
    },
  };
}
