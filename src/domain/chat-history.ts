/** One step of a chat's life, as its history keeps it. */
import type { Chat, ChatState } from './chat.ts';
import type { ChatMoved } from './change.ts';
import type { Beginning, Move } from './chat-states.ts';
import type { Microseconds } from './time.ts';

export interface HistoryRow {
  readonly chatId: number;
  /** The chat's version after it: steps of one moment keep their order. */
  readonly step: number;
  readonly atUs: Microseconds;
  readonly move: Beginning | Move;
  /** Since then. */
  readonly state: ChatState;
  readonly operatorId: number | null;
  readonly assignedOperatorId: number | null;
  readonly departmentKey: string | null;
  /** The operator who did it; null: the visitor, or this server. */
  readonly by: number | null;
  /** A supervisor went beyond the operator's capacity. */
  readonly override: boolean;
  /** Of an assignment: why this operator, packed (domain/assignment-record.ts). */
  readonly record: string | null;
}

export function beginningOf(chat: Chat, as: HistoryRow['move']): HistoryRow {
  const { id, version, queuedUs, modifiedUs, state, operatorId, assignedOperatorId, departmentKey } = chat;
  const atUs = Math.max(queuedUs, modifiedUs);
  return {
    chatId: id,
    step: version,
    atUs,
    move: as,
    state,
    operatorId,
    assignedOperatorId,
    departmentKey,
    by: as === 'invited' ? operatorId : null,
    override: false,
    record: null,
  };
}

export function stepOf(moved: ChatMoved, step: number): HistoryRow {
  const { chatId, atUs, move, state, operatorId, assignedOperatorId, departmentKey, by, override = false } = moved;
  return { chatId, step, atUs, move, state, operatorId, assignedOperatorId, departmentKey, by, override, record: null };
}
