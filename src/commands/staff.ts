/** What administrators do to operators and departments; used by the command line. */
import type { Department } from '../domain/department.ts';
import { ChatError } from '../domain/error.ts';
import type { Operator, Role } from '../domain/operator.ts';
import type { BatchRows } from '../commit/batch-rows.ts';
import { getOperator } from './chat-rows.ts';
import { type Command, unchanged } from '../commit/command.ts';
import { jsonBytes, MESSAGE_BYTES, STEP_BYTES } from './command-bytes.ts';

export interface NewOperator {
  readonly login: string;
  readonly fullname: string;
  readonly departmentKeys: readonly string[];
  readonly priorities?: Operator['priorities'];
  readonly langs: readonly string[];
  readonly maxChats: number | null;
  readonly roles: readonly Role[];
  readonly title?: string;
}

/** Refuses departments that do not exist. A login in use is refused by the database (`wrong-argument-value`). */
export function addOperator(operator: NewOperator): Command<{ readonly id: number }> {
  return {
    name: 'operator add',
    bytes: MESSAGE_BYTES + jsonBytes(operator),
    addKeys(keys) {
      for (const key of operator.departmentKeys) keys.departments.add(key);
      keys.newOperators += 1;
    },
    decide(rows, nowUs) {
      for (const key of operator.departmentKeys) getDepartment(rows, key);
      const saved: Operator = {
        priorities: {},
        schedule: null,
        title: '',
        ...operator,
        id: rows.newOperatorId(),
        avatar: null,
        status: 'offline',
        statusSort: 'offline',
        statusUs: nowUs,
        statusReason: 'new',
        load: 0,
        loadUs: nowUs,
        disabled: false,
        version: 0,
      };
      return { changes: [{ type: 'operator-saved', operator: saved }], answer: { id: saved.id } };
    },
  };
}

/** What an administrator may change of an operator; what is left out stays as it is. */
export type OperatorEdit = Partial<
  Pick<Operator, 'fullname' | 'title' | 'departmentKeys' | 'priorities' | 'langs' | 'maxChats' | 'schedule' | 'roles'>
>;

export function editOperator(operatorId: number, edit: OperatorEdit): Command<null> {
  return {
    name: 'operator set',
    bytes: 2_000 + jsonBytes(edit),
    addKeys(keys) {
      keys.operators.add(operatorId);
      for (const key of edit.departmentKeys ?? []) keys.departments.add(key);
    },
    decide(rows) {
      const operator = getOperator(rows, operatorId);
      for (const key of edit.departmentKeys ?? []) getDepartment(rows, key);
      return { changes: [{ type: 'operator-saved', operator: { ...operator, ...edit } }], answer: null };
    },
  };
}

/** He can no longer log in, his sessions end, he gets no more chats; those he has go where those of a lost operator go. */
export function disableOperator(operatorId: number): Command<null> {
  return {
    name: 'operator disable',
    bytes: 2_000,
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

export function addDepartment(department: NewDepartment, id: number): Command<null> {
  return {
    name: 'department add',
    bytes: STEP_BYTES + jsonBytes(department),
    addKeys(keys) {
      keys.departments.add(department.key);
    },
    decide(rows) {
      if (rows.department(department.key) !== undefined) {
        throw new ChatError('conflict', 'already-exists', `there is a department '${department.key}' already`);
      }
      return {
        changes: [{ type: 'department-saved', department: { assignmentMode: null, schedule: null, ...department, id } }],
        answer: null,
      };
    },
  };
}

export type NewDepartment = Pick<Department, 'key' | 'name' | 'order'> & Partial<Pick<Department, 'assignmentMode' | 'schedule'>>;

/** What is left out stays as it is. */
export type DepartmentEdit = Partial<Pick<Department, 'name' | 'order' | 'assignmentMode' | 'schedule'>>;

export function editDepartment(key: string, edit: DepartmentEdit): Command<null> {
  return {
    name: 'department set',
    bytes: 2_000 + jsonBytes(edit),
    addKeys(keys) {
      keys.departments.add(key);
    },
    decide(rows) {
      const department = getDepartment(rows, key);
      return { changes: [{ type: 'department-saved', department: { ...department, ...edit } }], answer: null };
    },
  };
}

function getDepartment(rows: BatchRows, key: string): Department {
  const department = rows.department(key);
  if (department === undefined) throw new ChatError('not-found', 'department-not-found', `there is no department '${key}'`);
  return department;
}
