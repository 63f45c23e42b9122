/** A canned answer: a text that operators insert, found by its shortcut or its words. */
import { isAdmin, type Operator, supervises } from './operator.ts';

/** own: of one operator · department: of everybody who works there · all: of everybody */
export type CannedScope = 'own' | 'department' | 'all';
export const CANNED_SCOPES: readonly CannedScope[] = ['own', 'department', 'all'];

/** Of one owner at most: so that nobody fills the database. */
export const MAX_CANNED_ANSWERS = 1_000;

export interface CannedOwner {
  readonly scope: CannedScope;
  /** Of `own`, else null. */
  readonly operatorId: number | null;
  /** Of `department`, else null. */
  readonly departmentKey: string | null;
}

/** The shortcut is the only one of its owner in this language. */
export interface CannedContent extends CannedOwner {
  /** Empty: for any language. */
  readonly lang: string;
  readonly shortcut: string;
  readonly text: string;
}

export interface CannedAnswer extends CannedContent {
  readonly id: number;
}

export function isSameOwner(a: CannedOwner, b: CannedOwner): boolean {
  return a.scope === b.scope && a.operatorId === b.operatorId && a.departmentKey === b.departmentKey;
}

/** May this operator add, change and remove the answers of this owner? */
export function mayChangeCanned(operator: Operator, { scope, operatorId, departmentKey }: CannedOwner): boolean {
  switch (scope) {
    case 'own':
      return operatorId === operator.id;
    case 'department':
      return departmentKey !== null && supervises(operator, departmentKey);
    case 'all':
      return isAdmin(operator);
  }
}
