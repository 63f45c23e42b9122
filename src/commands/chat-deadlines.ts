/** What the master does to a chat because time has passed; checked again under its lock, and fenced (I5). */
import { type Deadline, deadlineOf, type DeadlineRules, type Due } from '../domain/chat-deadlines.ts';
import { bearerOf, type Chat, isOpen } from '../domain/chat.ts';
import type { Change } from '../domain/change.ts';
import type { Microseconds } from '../domain/time.ts';
import { lockForClosing } from './chat-rows.ts';
import { type Command, unchanged } from '../commit/command.ts';
import { closeChat, moveChat } from './move-chat.ts';
import { STEP_BYTES } from './command-bytes.ts';

export interface DueChat {
  readonly chatId: number;
  readonly due: Due;
  readonly rules: DeadlineRules;
  readonly emptySinceUs: Microseconds | undefined;
  readonly leaseToken: number;
}

/** Answers whether it was still due. */
export function meetDeadline({ chatId, due, rules, emptySinceUs, leaseToken }: DueChat): Command<boolean> {
  return {
    name: `deadline ${due}`,
    leaseToken,
    bytes: STEP_BYTES,
    addKeys(keys, hot) {
      keys.addChatWithBearer(chatId, hot);
      if (due === 'expire') keys.addVisitorOf(chatId, hot);
    },
    decide(rows, nowUs) {
      const chat = rows.chat(chatId);
      const deadline = chat === undefined || !isOpen(chat) ? undefined : deadlineOf(chat, rules, emptySinceUs);
      if (chat === undefined || !isDue(deadline, due, nowUs)) return unchanged(false);
      rows.lockBearer(bearerOf(chat));
      if (due === 'expire') lockForClosing(rows, chat);
      return { changes: [changeOf(chat, due, nowUs)], answer: true };
    },
  };
}

function isDue(deadline: Deadline | undefined, due: Due, nowUs: Microseconds): boolean {
  return deadline?.due === due && deadline.atUs <= nowUs;
}

function changeOf(chat: Chat, due: Due, nowUs: Microseconds): Change {
  switch (due) {
    case 'pass':
      return moveChat(chat, 'passed', { atUs: nowUs, by: null, declinedBy: chat.assignedOperatorId ?? undefined });
    case 'expire':
      return closeChat(chat, 'expired', nowUs, null);
    case 'offline':
      return { type: 'chat-described', chatId: chat.id, category: chat.category, subject: chat.subject, offline: true };
  }
}
