/**
 * Auto-assignment as a pure plan: the oldest waiting chat goes to the operator who may take it and has the fewest
 * chats. A chat that nobody can take never holds up the next one. Executed by the master, checked again under locks.
 */
import { type Chat, isWaiting } from './chat.ts';
import { canBeAssigned, type Operator } from './operator.ts';

export interface Assignment {
  readonly chatId: number;
  readonly operatorId: number;
}

/** At most `limit` assignments, in the order in which the chats came. */
export function planAssignments(
  chats: Iterable<Chat>,
  operators: Iterable<Operator>,
  defaultMaxChats: number,
  limit: number,
): Assignment[] {
  const waiting = [...chats].filter(isWaiting).sort((a, b) => a.createdUs - b.createdUs || a.id - b.id);
  let free = [...operators].filter(operator => operator.statusSort === 'takes' && !operator.disabled);
  const plan: Assignment[] = [];
  for (const chat of waiting) {
    if (plan.length === limit || free.length === 0) break;
    let best: Operator | undefined;
    for (const operator of free) {
      if (!canBeAssigned(operator, chat, defaultMaxChats)) continue;
      if (best === undefined || operator.load < best.load || (operator.load === best.load && operator.id < best.id)) best = operator;
    }
    if (best === undefined) continue;
    const chosen: Operator = { ...best, load: best.load + 1 };
    free = free.map(operator => (operator === best ? chosen : operator));
    plan.push({ chatId: chat.id, operatorId: chosen.id });
  }
  return plan;
}
