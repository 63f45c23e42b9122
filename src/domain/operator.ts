/**
 * An operator: a person who answers visitors. His status belongs to him, not to a browser tab; his load is a
 * column that every change of a chat's bearer keeps true, so that the capacity can be checked under his row lock (I2).
 */
import type { Schedule } from './schedule.ts';
import type { Microseconds } from './time.ts';

export type Role = 'operator' | 'supervisor' | 'admin';
export const ROLES: readonly Role[] = ['operator', 'supervisor', 'admin'];

/** takes: gets new chats · none: keeps his chats, gets no new ones · offline */
export type StatusSort = 'takes' | 'none' | 'offline';

export interface OperatorStatus {
  readonly name: string;
  readonly sort: StatusSort;
  readonly title: string;
}

export const BUILT_IN_STATUSES: readonly OperatorStatus[] = [
  { name: 'online', sort: 'takes', title: 'Online' },
  { name: 'invisible', sort: 'none', title: 'Invisible' },
  { name: 'break', sort: 'none', title: 'Break' },
  { name: 'offline', sort: 'offline', title: 'Offline' },
];

export interface Operator {
  readonly id: number;
  readonly login: string;
  readonly fullname: string;
  readonly avatar: string | null;
  readonly title: string;
  readonly status: string;
  readonly statusSort: StatusSort;
  readonly statusUs: Microseconds;
  readonly statusReason: string;
  /** His open chats plus those assigned to him, without those on hold. */
  readonly load: number;
  /** Since when his load is what it is. */
  readonly loadUs: Microseconds;
  /** His own limit, or null for max_chats_per_operator. */
  readonly maxChats: number | null;
  readonly departmentKeys: readonly string[];
  /** Who has a higher one is given chats of that department first; without an entry 0. */
  readonly priorities: Readonly<Record<string, number>>;
  /** Empty: all. */
  readonly langs: readonly string[];
  /** null: always. */
  readonly schedule: Schedule | null;
  readonly roles: readonly Role[];
  readonly disabled: boolean;
  /** Counts the changes of this row, as a chat's does. */
  readonly version: number;
}

/** A copy of the row with another load and its next version. Field by field, as of a chat: a spread takes ten times as long. */
export function withLoad(operator: Operator, load: number, loadUs: Microseconds): Operator {
  return {
    id: operator.id,
    login: operator.login,
    fullname: operator.fullname,
    avatar: operator.avatar,
    title: operator.title,
    status: operator.status,
    statusSort: operator.statusSort,
    statusUs: operator.statusUs,
    statusReason: operator.statusReason,
    load,
    loadUs,
    maxChats: operator.maxChats,
    departmentKeys: operator.departmentKeys,
    priorities: operator.priorities,
    langs: operator.langs,
    schedule: operator.schedule,
    roles: operator.roles,
    disabled: operator.disabled,
    version: operator.version + 1,
  };
}

/** Logins that differ by the case of their letters only are the same one; they have no other letters than these. */
export function foldLogin(login: string): string {
  return login.replace(/[A-Z]/g, letter => letter.toLowerCase());
}

export function isAdmin(operator: Operator): boolean {
  return operator.roles.includes('admin');
}

export function isSupervisor(operator: Operator): boolean {
  return operator.roles.includes('supervisor');
}

export function capacityOf(operator: Operator, defaultMaxChats: number): number {
  return operator.maxChats ?? defaultMaxChats;
}

export function hasRoom(operator: Operator, defaultMaxChats: number): boolean {
  return operator.load < capacityOf(operator, defaultMaxChats);
}

/** A chat without a department belongs to everybody. */
export function worksIn(operator: Operator, departmentKey: string | null): boolean {
  return departmentKey === null || operator.departmentKeys.includes(departmentKey);
}

/** May this one decide what happens to chats of that department, whoever has them? */
export function supervises(operator: Operator, departmentKey: string | null): boolean {
  return isAdmin(operator) || (isSupervisor(operator) && worksIn(operator, departmentKey));
}

/** What was spent in a status, when it is over. */
export interface StatusTime {
  readonly operatorId: number;
  readonly status: string;
  readonly sort: StatusSort;
  readonly fromUs: Microseconds;
  readonly toUs: Microseconds;
}
