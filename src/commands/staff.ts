/** What administrators do to operators and departments; used by the command line. */
import type { Department } from '../domain/department.ts';
import { ChatError } from '../domain/error.ts';
import type { Operator, Role } from '../domain/operator.ts';
import { type Command, unchanged } from './command.ts';

export interface NewOperator {
  readonly login: string;
  readonly fullname: string;
  readonly departmentKeys: readonly string[];
  readonly langs: readonly string[];
  readonly maxChats: number | null;
  readonly roles: readonly Role[];
}

/** Refuses departments that do not exist. A login in use is refused by the database (`wrong-argument-value`). */
export function addOperator(operator: NewOperator): Command<{ readonly id: number }> {
  return {
    name: 'operator add',
    bytes: 500,
    addKeys(keys) {
      for (const key of operator.departmentKeys) keys.departments.add(key);
      keys.newOperators += 1;
    },
    decide(rows, nowUs) {
      for (const key of operator.departmentKeys) {
        if (rows.department(key) === undefined) throw new ChatError('not-found', 'not-found', `there is no department '${key}'`);
      }
      const saved: Operator = {
        ...operator,
        id: rows.newOperatorId(),
        avatar: null,
        title: '',
        status: 'offline',
        statusSort: 'offline',
        statusUs: nowUs,
        statusReason: 'new',
        load: 0,
        disabled: false,
        version: 0,
      };
      return { changes: [{ type: 'operator-saved', operator: saved }], answer: { id: saved.id } };
    },
  };
}

/** He can no longer log in, his sessions end, he gets no more chats; those he has stay his. */
export function disableOperator(operatorId: number): Command<null> {
  return {
    name: 'operator disable',
    bytes: 200,
    addKeys(keys) {
      keys.operators.add(operatorId);
    },
    decide(rows, nowUs) {
      const operator = rows.operator(operatorId);
      if (operator === undefined) throw new ChatError('not-found', 'operator-not-found', `there is no operator ${operatorId}`);
      if (operator.disabled) return unchanged(null);
      const saved: Operator = {
        ...operator,
        disabled: true,
        status: 'offline',
        statusSort: 'offline',
        statusUs: nowUs,
        statusReason: 'disabled',
      };
      return {
        changes: [
          { type: 'operator-saved', operator: saved },
          { type: 'operator-sessions-ended', operatorId, tokenHash: null },
        ],
        answer: null,
      };
    },
  };
}

export function addDepartment(department: Omit<Department, 'id'>, id: number): Command<null> {
  return {
    name: 'department add',
    bytes: 200,
    addKeys(keys) {
      keys.departments.add(department.key);
    },
    decide(rows) {
      if (rows.department(department.key) !== undefined) {
        throw new ChatError('conflict', 'already-exists', `there is a department '${department.key}' already`);
      }
      return { changes: [{ type: 'department-saved', department: { ...department, id } }], answer: null };
    },
  };
}
