/** An operator begins a chat with a visitor. It uses his capacity from then on, so that the visitor's answer always finds room. */
import { mayRead } from '../domain/audience.ts';
import type { Change } from '../domain/change.ts';
import { ChatError } from '../domain/error.ts';
import { isBanned, type Page } from '../domain/visitor.ts';
import { getOperator, nextMessageTime, refuseWithoutRoom } from './chat-rows.ts';
import { type Command, unchanged } from '../commit/command.ts';
import { operatorMessage } from './send-operator-message.ts';
import { newChat } from './start-chat.ts';
import { chatBytes, MESSAGE_BYTES, STEP_BYTES, textBytes } from './command-bytes.ts';

export interface InviteVisitor {
  readonly operatorId: number;
  /** The visitor's newest. */
  readonly page: Page;
  readonly message: string | undefined;
  readonly lang: string;
  readonly defaultMaxChats: number;
  readonly nonce: string;
}

/** A repeat answers ok as long as the visitor has not answered. */
export function inviteVisitor({
  operatorId,
  page,
  message,
  lang,
  defaultMaxChats,
  nonce,
}: InviteVisitor): Command<{ readonly chatId: number }> {
  return {
    name: 'operator chat.start',
    bytes: STEP_BYTES + MESSAGE_BYTES + chatBytes(page) + textBytes(message),
    addKeys(keys) {
      keys.addVisitorWithChat(page.visitorId);
      keys.operators.add(operatorId);
      keys.newChats += 1;
    },
    decide(rows, nowUs) {
      const operator = getOperator(rows, operatorId);
      const visitor = rows.visitor(page.visitorId);
      if (visitor === undefined) throw new ChatError('not-found', 'visitor-not-found', 'there is no such visitor');
      if (isBanned(visitor.ban, nowUs)) throw new ChatError('conflict', 'visitor-banned', 'this visitor is kept out');
      const open = rows.openChatOf(page.visitorId);
      if (open?.state === 'invitation' && open.operatorId === operatorId) return unchanged({ chatId: open.id });
      if (open !== undefined) {
        const details = mayRead(operator, open) ? { data: { chatId: open.id } } : {};
        throw new ChatError('conflict', 'chat-open', 'this visitor has an open chat', details);
      }
      refuseWithoutRoom(operator, undefined, defaultMaxChats);
      const opening = { page, clientSideId: `invitation-${nonce}`, departmentKey: null, lang };
      const chat = { ...newChat(rows.newChatId(), visitor, opening, nowUs), state: 'invitation' as const, operatorId };
      const changes: Change[] = [{ type: 'chat-opened', chat, as: 'invited' }];
      if (message !== undefined) {
        const words = {
          operatorId,
          chatId: chat.id,
          clientSideId: `invitation-${nonce}`,
          kind: 'operator' as const,
          text: message,
          data: null,
          nonce,
        };
        changes.push({ type: 'message-added', message: operatorMessage(chat, operator, words, null, nextMessageTime(chat, nowUs)) });
      }
      return { changes, answer: { chatId: chat.id } };
    },
  };
}
