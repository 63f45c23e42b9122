/** The ways a chat ends or goes back: release by its operator, close by an operator, close by the visitor. */
import type { Change } from '../domain/change.ts';
import { bearerOf } from '../domain/chat.ts';
import { ChatError } from '../domain/error.ts';
import { supervises } from '../domain/operator.ts';
import type { Survey } from '../domain/survey.ts';
import { getOpenChat, getOperator, isOwner, lockForClosing, refuseUnlessOwner } from './chat-rows.ts';
import { type Command, unchanged } from '../commit/command.ts';
import { closeChat, moveChat } from './move-chat.ts';
import { jsonBytes, STEP_BYTES } from './command-bytes.ts';

interface OperatorOnChat {
  readonly operatorId: number;
  readonly chatId: number;
}

/** Back to the queue at its original place; by an assignee who has not taken it, this declines it. He is not asked again at once. */
export function releaseChat({ operatorId, chatId }: OperatorOnChat): Command<null> {
  return {
    name: 'chat.release',
    bytes: STEP_BYTES,
    addKeys(keys) {
      keys.chats.add(chatId);
      keys.operators.add(operatorId);
    },
    decide(rows, nowUs) {
      getOperator(rows, operatorId);
      const chat = getOpenChat(rows, chatId);
      refuseUnlessOwner(chat, operatorId);
      const move = chat.operatorId === null ? 'declined' : 'released';
      return { changes: [moveChat(chat, move, { atUs: nowUs, by: operatorId, declinedBy: operatorId })], answer: null };
    },
  };
}

/** `survey`: what its visitor is asked then. */
export function closeChatByOperator({ operatorId, chatId }: OperatorOnChat, survey?: Survey): Command<null> {
  return {
    name: 'operator chat.close',
    bytes: 2 * STEP_BYTES + jsonBytes(survey),
    addKeys(keys, hot) {
      keys.addChatWithBearer(chatId, hot);
      keys.addVisitorOf(chatId, hot);
      keys.operators.add(operatorId);
    },
    decide(rows, nowUs) {
      const operator = getOperator(rows, operatorId);
      const chat = rows.chat(chatId);
      if (chat?.state === 'closed_by_operator' && chat.operatorId === operatorId) return unchanged(null); // a repeat
      const open = getOpenChat(rows, chatId);
      if (!isOwner(open, operatorId) && !supervises(operator, open.departmentKey)) {
        throw new ChatError('forbidden', 'not-your-chat', `chat ${chatId} is not yours`);
      }
      lockForClosing(rows, open);
      const changes: Change[] = [closeChat(open, 'closed-by-operator', nowUs, operatorId)];
      if (survey !== undefined && open.state !== 'invitation')
        changes.push({ type: 'survey-changed', chatId, visitorId: open.visitorId, survey });
      return { changes, answer: null };
    },
  };
}

/** A visitor without an open chat has closed it already: ok. */
export function closeChatByVisitor(visitorId: string): Command<null> {
  return {
    name: 'chat.close',
    bytes: STEP_BYTES,
    addKeys(keys, hot) {
      keys.addVisitorWithChat(visitorId);
      keys.addOperator(bearerOf(hot.openChatOf(visitorId)));
    },
    decide(rows, nowUs) {
      const chat = rows.openChatOf(visitorId);
      if (chat === undefined) return unchanged(null);
      lockForClosing(rows, chat);
      return { changes: [closeChat(chat, 'closed-by-visitor', nowUs, null)], answer: null };
    },
  };
}
