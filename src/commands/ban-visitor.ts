/**
 * A visitor is kept out, or let in again. An operator bans whose chat they have; supervisors whose open chat is in their departments, or
 * who has none open; administrators anybody. Whether they may know of the visitor at all is asked before (sessions/operators/rights.ts).
 */
import { bearerOf } from '../domain/chat.ts';
import type { Change } from '../domain/change.ts';
import { ChatError } from '../domain/error.ts';
import { isAdmin, isSupervisor, supervises } from '../domain/operator.ts';
import type { Microseconds } from '../domain/time.ts';
import { getOperator, isOwner, lockForClosing } from './chat-rows.ts';
import { type Command, unchanged } from '../commit/command.ts';
import { closeChat } from './move-chat.ts';
import { STEP_BYTES, textBytes } from './command-bytes.ts';

export interface BanVisitor {
  readonly operatorId: number;
  readonly visitorId: string;
  /** null: he is let in again. `untilUs` null: for ever. */
  readonly ban: { readonly untilUs: Microseconds | null; readonly reason: string } | null;
}

/** A ban closes the visitor's open chat. */
export function banVisitor({ operatorId, visitorId, ban }: BanVisitor): Command<null> {
  return {
    name: ban === null ? 'visitor.unban' : 'visitor.ban',
    bytes: 2 * STEP_BYTES + textBytes(ban?.reason),
    addKeys(keys, hot) {
      keys.addVisitorWithChat(visitorId);
      keys.addOperator(bearerOf(hot.openChatOf(visitorId)));
      keys.operators.add(operatorId);
    },
    decide(rows, nowUs) {
      const operator = getOperator(rows, operatorId);
      const visitor = rows.visitor(visitorId);
      const chat = rows.openChatOf(visitorId);
      const supervisesThem = chat === undefined ? isSupervisor(operator) || isAdmin(operator) : supervises(operator, chat.departmentKey);
      const mayDecide = supervisesThem || (ban !== null && chat !== undefined && isOwner(chat, operatorId));
      if (!mayDecide) throw new ChatError('forbidden', 'not-allowed', 'only supervisors and administrators may do that');
      if (visitor === undefined) throw new ChatError('not-found', 'visitor-not-found', 'there is no such visitor');
      if (ban === null && visitor.ban === null) return unchanged(null);
      const changes: Change[] = [];
      if (ban !== null && chat !== undefined) {
        lockForClosing(rows, chat);
        changes.push(closeChat(chat, 'closed-by-operator', nowUs, operatorId));
      }
      changes.push({ type: 'visitor-banned', visitorId, ban: ban === null ? null : { ...ban, by: operatorId, atUs: nowUs } });
      return { changes, answer: null };
    },
  };
}
