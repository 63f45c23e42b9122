/** The one way in which commands move a chat: by its state table. */
import type { Chat } from '../domain/chat.ts';
import type { ChatMoved } from '../domain/change.ts';
import { type Move, moveOf } from '../domain/chat-states.ts';
import type { Microseconds } from '../domain/time.ts';

export interface MoveDetails {
  readonly atUs: Microseconds;
  /** The operator who does it; null: the visitor, or this server. */
  readonly by: number | null;
  /** Who has it then; left out: nobody. */
  readonly operatorId?: number | null;
  readonly assignedOperatorId?: number | null;
  /** Left out: as it is. */
  readonly departmentKey?: string | null;
  readonly declinedBy?: number | undefined;
  readonly override?: boolean;
}

/** Throws `chat-closed` or `wrong-chat-state` where the table has no such move. */
export function moveChat(chat: Chat, move: Move, details: MoveDetails): ChatMoved {
  const { atUs, by, operatorId = null, assignedOperatorId = null, departmentKey = chat.departmentKey, declinedBy, override } = details;
  return {
    type: 'chat-moved',
    chatId: chat.id,
    move,
    state: moveOf(chat, move),
    operatorId,
    assignedOperatorId,
    departmentKey,
    ...(declinedBy === undefined ? {} : { declinedBy }),
    by,
    ...(override === true ? { override } : {}),
    atUs: Math.max(atUs, chat.modifiedUs), // clocks that nodes carry on by themselves differ by a little
  };
}

/** Closing keeps who had it: he is asked about it, rated for it, and gets it back when the visitor writes again. */
export function closeChat(
  chat: Chat,
  move: 'closed-by-operator' | 'closed-by-visitor' | 'expired',
  atUs: Microseconds,
  by: number | null,
): ChatMoved {
  return moveChat(chat, move, { atUs, by, operatorId: chat.operatorId, assignedOperatorId: null });
}
