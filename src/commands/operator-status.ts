/** An operator's status: his own, whatever tab or device he sets it in. */
import { ChatError } from '../domain/error.ts';
import { isAdmin, type Operator, type OperatorStatus, supervises } from '../domain/operator.ts';
import type { Microseconds } from '../domain/time.ts';
import { getOperator } from './chat-rows.ts';
import { type Command, unchanged } from '../commit/command.ts';
import { STEP_BYTES } from './command-bytes.ts';

export interface StatusSet {
  readonly status: string;
  readonly statusUs: Microseconds;
}

export interface StatusWish {
  readonly operatorId: number;
  readonly status: OperatorStatus;
  /** A supervisor of one of his departments, or an administrator, who sets it for him. */
  readonly by?: number;
  /** Of a wish that had to wait: nothing happens if another one, on another node, was fulfilled after this. */
  readonly unlessSinceUs?: Microseconds;
}

export function setOperatorStatus({ operatorId, status, by = operatorId, unlessSinceUs }: StatusWish): Command<StatusSet> {
  return {
    name: 'set-status',
    bytes: STEP_BYTES,
    addKeys(keys) {
      keys.operators.add(operatorId);
      keys.operators.add(by);
    },
    decide(rows, nowUs) {
      if (by !== operatorId) refuseUnlessSupervisor(getOperator(rows, by), rows.operator(operatorId));
      const operator = getOperator(rows, operatorId);
      const isOutdated = unlessSinceUs !== undefined && operator.statusUs > unlessSinceUs;
      if (isOutdated || (operator.status === status.name && operator.statusSort === status.sort)) {
        return unchanged({ status: operator.status, statusUs: operator.statusUs });
      }
      const reason = by === operatorId ? 'set' : 'supervisor';
      const atUs = Math.max(nowUs, operator.statusUs);
      return {
        changes: [{ type: 'operator-status-set', operatorId, status: status.name, sort: status.sort, reason, atUs }],
        answer: { status: status.name, statusUs: atUs },
      };
    },
  };
}

function refuseUnlessSupervisor(by: Operator, operator: Operator | undefined): void {
  const isHis = operator?.departmentKeys.some(key => supervises(by, key)) === true;
  if (!isHis && !isAdmin(by)) throw new ChatError('forbidden', 'not-allowed', 'only his supervisors and administrators may do that');
}
