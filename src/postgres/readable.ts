/** Whose chats an operator may read, as a condition on rows of `chat`: those they have or had, of their departments, and of none. */
import type { ReadableBy } from '../ports/index.ts';

/** Adds what it compares with to `values`. */
export function readable({ operatorId, departmentKeys }: ReadableBy, values: unknown[]): string {
  values.push(operatorId, departmentKeys);
  const [operator, departments] = [`$${values.length - 1}`, `$${values.length}`];
  return `(chat.operator_id = ${operator} or chat.assigned_operator_id = ${operator} or chat.department_key is null
    or chat.department_key = any(${departments}::text[]))`;
}

/** As a condition on rows of `visitor`: they may read a chat of theirs, or there is none at all. */
export function knownTo(by: ReadableBy, values: unknown[]): string {
  const ofVisitor = 'select from chat where chat.visitor_id = visitor.id';
  return `(exists (${ofVisitor} and ${readable(by, values)}) or not exists (${ofVisitor}))`;
}
