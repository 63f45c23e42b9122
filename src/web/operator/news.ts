/** What has happened that an operator who looks elsewhere should be told: pure, from the state before and after. */
import type { DeskState } from './state.ts';
import { type Chat, isFromVisitor } from './wire.ts';

export interface News {
  /** assigned: he is asked to take it · own: it was given to him · message: its visitor has written */
  readonly kind: 'assigned' | 'own' | 'message';
  readonly chat: Chat;
}

/** Nothing is new in the first full update. */
export function newsOf(before: DeskState, after: DeskState): News[] {
  if (before.revision === '' || before.chats === after.chats) return [];
  const news: News[] = [];
  for (const chat of after.chats.values()) {
    const known = before.chats.get(chat.id);
    if (known === chat) continue;
    const kind = kindOf(known, chat, after.myId);
    if (kind !== undefined) news.push({ kind, chat });
  }
  return news;
}

function kindOf(before: Chat | undefined, chat: Chat, myId: number): News['kind'] | undefined {
  if (chat.assignedOperatorId === myId) return before?.assignedOperatorId === myId ? messageIn(before, chat) : 'assigned';
  if (chat.operatorId !== myId) return undefined;
  // Who has just taken it himself need not be told.
  if (before?.operatorId !== myId) return before?.operatorId === null ? undefined : 'own';
  return messageIn(before, chat);
}

function messageIn(before: Chat, { lastMessage }: Chat): 'message' | undefined {
  if (lastMessage === null || !isFromVisitor(lastMessage)) return undefined;
  return before.lastMessage === null || lastMessage.ts_m > before.lastMessage.ts_m ? 'message' : undefined;
}
