/**
 * An operator who was asked may meanwhile not be allowed to take the chat any more. Asked by the master for every chat that somebody was
 * asked for, and again under the locks. A colleague may ask an operator by hand whom the plan would not have asked: hours count only
 * where they have ended since, and languages not, unless either was changed since (`isChanged`). Then they count as in the plan: a language
 * that nobody speaks (`isSpoken`) is nobody's.
 */
import type { Chat } from './chat.ts';
import { type AssignmentRules, type Obstacle, obstacleOf } from './eligibility.ts';
import type { Operator } from './operator.ts';
import type { Microseconds } from './time.ts';

export type Withdrawal = Exclude<Obstacle, 'full' | 'declined'>;

/** undefined: nothing stands in the way. */
export function whyWithdrawn(
  chat: Pick<Chat, 'departmentKey' | 'lang' | 'assignedUs'>,
  operator: Operator,
  rules: AssignmentRules,
  { nowUs, isChanged, isSpoken }: { readonly nowUs: Microseconds; readonly isChanged: boolean; readonly isSpoken: boolean },
): Withdrawal | undefined {
  const obstacleAt = (atUs: Microseconds, hasToSpeak: boolean) =>
    obstacleOf(operator, { departmentKey: chat.departmentKey, lang: chat.lang, isSpoken: hasToSpeak }, rules, atUs);
  const obstacle = obstacleAt(nowUs, isChanged && isSpoken);
  if (obstacle === undefined || obstacle === 'full') return undefined;
  if (obstacle === 'off-hours' && !isChanged && obstacleAt(chat.assignedUs ?? nowUs, false) === 'off-hours') return undefined;
  return obstacle;
}
