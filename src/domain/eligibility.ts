/** Who may be given a chat, and what stands in the way of the others. Asked by the plan, and again under the locks. */
import { type Chat, declinedAt } from './chat.ts';
import type { AssignmentMode, Department } from './department.ts';
import { capacityOf, hasRoom, type Operator, worksIn } from './operator.ts';
import { isOpenAt } from './schedule.ts';
import type { Microseconds } from './time.ts';

export interface AssignmentRules {
  readonly defaultMaxChats: number;
  readonly defaultMode: AssignmentMode;
  /** Among operators with the same priority and as many chats. */
  readonly tieBreak: 'random' | 'idle';
  readonly lastOperatorFirst: boolean;
  /** Who has declined a chat, or not taken it, is not asked again for so long. */
  readonly askAgainUs: Microseconds;
  readonly departments: ReadonlyMap<string, Department>;
}

/** In the order in which they are looked at; records name them by their places here, so further ones go to the end. */
export const OBSTACLES = [
  'disabled',
  'other-department',
  'other-language',
  'offline',
  'takes-none',
  'off-hours',
  'full',
  'declined',
] as const;
export type Obstacle = (typeof OBSTACLES)[number];

/** What chats of a sub-queue have in common. */
export type Kind = Pick<Chat, 'departmentKey' | 'lang'>;

/**
 * A language that nobody of the department names is nobody's: its chats go to all, because an answer in another language
 * is better than none.
 */
export function isSpoken({ departmentKey, lang }: Kind, operators: Iterable<Operator>): boolean {
  if (lang === '') return false;
  for (const operator of operators) {
    if (!operator.disabled && worksIn(operator, departmentKey) && operator.langs.includes(lang)) return true;
  }
  return false;
}

/** `isSpoken`: of this kind. */
export function obstacleOf(
  operator: Operator,
  kind: Kind & { readonly isSpoken: boolean },
  rules: AssignmentRules,
  nowUs: Microseconds,
): Exclude<Obstacle, 'declined'> | undefined {
  if (operator.disabled) return 'disabled';
  if (!worksIn(operator, kind.departmentKey)) return 'other-department';
  if (kind.isSpoken && operator.langs.length > 0 && !operator.langs.includes(kind.lang)) return 'other-language';
  if (operator.statusSort === 'offline') return 'offline';
  if (operator.statusSort === 'none') return 'takes-none';
  if (operator.schedule !== null && !isOpenAt(operator.schedule, nowUs)) return 'off-hours';
  return hasRoom(operator, rules.defaultMaxChats) ? undefined : 'full';
}

/** A chat that he declined is not his for a while. */
export function mustWaitFor(chat: Chat, operatorId: number, rules: AssignmentRules, nowUs: Microseconds): boolean {
  const atUs = declinedAt(chat, operatorId);
  return atUs !== undefined && nowUs < atUs + rules.askAgainUs;
}

/**
 * Under the locks: everything that may have changed since the plan. Its language was looked at by the plan. `given`: chats that
 * the same command gives him besides.
 */
export function canBeAssigned(operator: Operator, chat: Chat, rules: AssignmentRules, nowUs: Microseconds, given = 0): boolean {
  return (
    operator.load + given < capacityOf(operator, rules.defaultMaxChats) &&
    isOpen(chat.departmentKey, rules.departments, nowUs) &&
    obstacleOf(operator, { departmentKey: chat.departmentKey, lang: '', isSpoken: false }, rules, nowUs) === undefined &&
    !mustWaitFor(chat, operator.id, rules, nowUs)
  );
}

/** Within the hours of the department? */
export function isOpen(departmentKey: string | null, departments: ReadonlyMap<string, Department>, nowUs: Microseconds): boolean {
  const schedule = departmentKey === null ? undefined : departments.get(departmentKey)?.schedule;
  return schedule === undefined || schedule === null || isOpenAt(schedule, nowUs);
}

export function modeOf(
  departmentKey: string | null,
  { departments, defaultMode }: Pick<AssignmentRules, 'departments' | 'defaultMode'>,
): AssignmentMode {
  const own = departmentKey === null ? undefined : departments.get(departmentKey)?.assignmentMode;
  return own ?? defaultMode;
}
