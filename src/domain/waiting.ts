/** Why a chat still waits: who might be asked, and what stands in the way of each, as of now. Not stored: it follows from the hot state. */
import { type Chat, declinedAt, isWaiting } from './chat.ts';
import { type AssignmentRules, isOpen, isSpoken, modeOf, mustWaitFor, type Obstacle, obstacleOf } from './eligibility.ts';
import { capacityOf, type Operator, worksIn } from './operator.ts';
import type { Microseconds } from './time.ts';

/** Colleagues that are named; the rest is counted. */
const NAMED = 50;

export interface Waiting {
  /**
   * manual: operators take these chats · closed: outside the department's hours · no-operator: nobody works there ·
   * nobody-online · all-full · declined: those who could have declined it just now · next: it is being assigned
   */
  readonly why: 'manual' | 'closed' | 'no-operator' | 'nobody-online' | 'all-full' | 'declined' | 'next';
  readonly operators: readonly {
    readonly operatorId: number;
    readonly fullname: string;
    readonly load: number;
    readonly maxChats: number;
    readonly obstacle: Obstacle | null;
    readonly declinedUs: Microseconds | null;
  }[];
  /** Of all, those of other departments included. */
  readonly removed: Readonly<Partial<Record<Obstacle, number>>>;
}

/** undefined: it does not wait to be assigned. */
export function whyWaiting(
  chat: Chat,
  operators: ReadonlyMap<number, Operator>,
  rules: AssignmentRules,
  nowUs: Microseconds,
): Waiting | undefined {
  if (!isWaiting(chat)) return undefined;
  const { departmentKey, lang } = chat;
  const kind = { departmentKey, lang, isSpoken: isSpoken(chat, operators.values()) };
  const removed: Partial<Record<Obstacle, number>> = {};
  const looked = [...operators.values()].map(operator => {
    const obstacle: Obstacle | null =
      obstacleOf(operator, kind, rules, nowUs) ?? (mustWaitFor(chat, operator.id, rules, nowUs) ? 'declined' : null);
    if (obstacle !== null) removed[obstacle] = (removed[obstacle] ?? 0) + 1;
    return { operator, obstacle };
  });
  const here = looked.filter(({ operator }) => !operator.disabled && worksIn(operator, departmentKey));
  const has = (wanted: Obstacle | null): boolean => here.some(({ obstacle }) => obstacle === wanted);
  const why = ((): Waiting['why'] => {
    if (modeOf(departmentKey, rules) === 'manual') return 'manual';
    if (!isOpen(departmentKey, rules.departments, nowUs)) return 'closed';
    if (here.length === 0) return 'no-operator';
    if (has(null)) return 'next';
    if (has('full')) return 'all-full';
    return has('declined') ? 'declined' : 'nobody-online';
  })();
  return {
    why,
    operators: here.slice(0, NAMED).map(({ operator, obstacle }) => ({
      operatorId: operator.id,
      fullname: operator.fullname,
      load: operator.load,
      maxChats: capacityOf(operator, rules.defaultMaxChats),
      obstacle,
      declinedUs: declinedAt(chat, operator.id) ?? null,
    })),
    removed,
  };
}
