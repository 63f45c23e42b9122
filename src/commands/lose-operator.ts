/**
 * An operator who is gone: his last connection was lost longer ago than the grace, or he has been offline for so long and
 * still has chats. The master marks him offline and his chats go where the policy says; whom he was only asked to take
 * goes back to the queue in any case. Decided on his row and on the presence that is read behind its lock, so that one who has come
 * back in the meantime is left alone.
 */
import { type Chat, ownerOf } from '../domain/chat.ts';
import type { Change } from '../domain/change.ts';
import { type AssignmentRules, canBeAssigned } from '../domain/eligibility.ts';
import type { Operator } from '../domain/operator.ts';
import type { LostOperatorPolicy } from '../domain/rules.ts';
import type { HotState } from '../domain/state.ts';
import type { Microseconds } from '../domain/time.ts';
import type { BatchRows } from '../commit/batch-rows.ts';
import { lockForClosing } from './chat-rows.ts';
import { type Command, unchanged } from '../commit/command.ts';
import { RowNotLocked } from '../commit/key-set.ts';
import { closeChat, moveChat } from './move-chat.ts';

export interface LoseOperator {
  readonly operatorId: number;
  readonly graceUs: Microseconds;
  readonly policy: LostOperatorPolicy;
  /** Colleagues for his chats, by chat, as planned on the replica: who cannot be given it any more is not. */
  readonly colleagues: ReadonlyMap<number, number>;
  readonly rules: AssignmentRules;
  readonly leaseToken: number;
}

/** Answers how many of his chats were moved; undefined: he was not lost. */
export function loseOperator(lost: LoseOperator): Command<number | undefined> {
  const { operatorId, graceUs, leaseToken, colleagues } = lost;
  return {
    name: 'lose operator',
    leaseToken,
    bytes: 1_000,
    addKeys(keys, hot) {
      for (const chat of chatsOf(operatorId, hot)) {
        keys.chats.add(chat.id);
        if (chat.state === 'invitation') keys.visitors.add(chat.visitorId);
      }
      keys.operators.add(operatorId);
      for (const id of colleagues.values()) keys.operators.add(id);
      keys.presenceOf.add(operatorId);
    },
    decide(rows, nowUs) {
      const lastSeenUs = rows.lastSeenUs(operatorId);
      const operator = rows.operator(operatorId);
      if (operator === undefined || !isLost(operator, lastSeenUs, nowUs - graceUs)) return unchanged(undefined);
      const chats = [...rows.chats.all()].filter(chat => ownerOf(chat) === operatorId && chat.state !== 'hold');
      // More than the replica knew of: with the next look it does.
      if (chats.length !== operator.load) throw new RowNotLocked('chats', 0);
      const changes: Change[] = [];
      if (operator.statusSort !== 'offline') {
        changes.push({
          type: 'operator-status-set',
          operatorId,
          status: 'offline',
          sort: 'offline',
          reason: 'connection-lost',
          atUs: nowUs,
        });
      }
      const rooms = new Rooms(rows);
      for (const chat of chats) {
        if (chat.state === 'invitation') lockForClosing(rows, chat);
        changes.push(moveAway(chat, lost, rooms, nowUs));
      }
      return changes.length === 0 ? unchanged(undefined) : { changes, answer: chats.length };
    },
  };
}

/** `lastSeenUs` undefined: he is connected. Who has set himself offline is gone too, whatever is still open. */
function isLost(operator: Operator, lastSeenUs: Microseconds | undefined, beforeUs: Microseconds): boolean {
  if (operator.statusSort === 'offline') return operator.load > 0 && operator.statusUs <= beforeUs;
  return lastSeenUs !== undefined && Math.max(lastSeenUs, operator.statusUs) <= beforeUs;
}

function moveAway(chat: Chat, { operatorId, policy, colleagues, rules }: LoseOperator, rooms: Rooms, atUs: Microseconds): Change {
  const details = { atUs, by: null };
  if (chat.operatorId !== null && chat.state === 'chatting') {
    const colleague = policy === 'transfer' ? colleagues.get(chat.id) : undefined;
    if (colleague !== undefined && rooms.take(colleague, chat, rules, atUs))
      return moveChat(chat, 'transferred', { ...details, operatorId: colleague });
    if (policy === 'hold') return moveChat(chat, 'held', { ...details, operatorId });
  }
  if (chat.state === 'invitation') return closeChat(chat, 'expired', atUs, null);
  return moveChat(chat, 'requeued', details); // he has not declined it: should he come back, he may be asked
}

/** Colleagues' loads while several chats are moved in one decision. */
class Rooms {
  readonly #rows: BatchRows;
  readonly #given = new Map<number, number>();

  constructor(rows: BatchRows) {
    this.#rows = rows;
  }

  take(operatorId: number, chat: Chat, rules: AssignmentRules, nowUs: Microseconds): boolean {
    const operator = this.#rows.operator(operatorId);
    const given = this.#given.get(operatorId) ?? 0;
    if (operator === undefined || !canBeAssigned(operator, chat, rules, nowUs, given)) return false;
    this.#given.set(operatorId, given + 1);
    return true;
  }
}

function* chatsOf(operatorId: number, hot: HotState): Iterable<Chat> {
  for (const chat of hot.chats.values()) if (ownerOf(chat) === operatorId) yield chat;
}
