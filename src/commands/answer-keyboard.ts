/** A visitor presses a button of a keyboard that an operator has sent: the keyboard is completed, and the answer is a message. */
import { ChatError } from '../domain/error.ts';
import type { Button, KeyboardData } from '../domain/keyboard.ts';
import { buttonOf, isKeyboard } from '../domain/keyboard.ts';
import type { Page } from '../domain/visitor.ts';
import { nextMessageTime } from './chat-rows.ts';
import { type Command, unchanged } from '../commit/command.ts';
import { visitorMessage } from './start-chat.ts';
import { addOperatorOfHeld, wake } from './visitor-speaks.ts';
import { KEYBOARD_BYTES, MESSAGE_BYTES } from './command-bytes.ts';

export interface KeyboardAnswer {
  readonly page: Page;
  /** Of the message with the keyboard. */
  readonly messageId: string;
  readonly buttonId: string;
  readonly defaultMaxChats: number;
  readonly nonce: string;
}

export function answerKeyboard({ page, messageId, buttonId, defaultMaxChats, nonce }: KeyboardAnswer): Command<null> {
  return {
    name: 'chat.keyboard_response',
    bytes: 2 * MESSAGE_BYTES + KEYBOARD_BYTES,
    addKeys(keys, hot) {
      keys.openChatsOf.add(page.visitorId);
      addOperatorOfHeld(keys, hot.openChatOf(page.visitorId));
      keys.addMessage(page.visitorId, messageId);
    },
    decide(rows, nowUs) {
      const chat = rows.openChatOf(page.visitorId);
      if (chat === undefined) throw new ChatError('conflict', 'no-chat', 'there is no open chat');
      const request = rows.message(messageId);
      if (request?.chatId !== chat.id || !isKeyboard(request)) throw cannotAnswer('there is no such keyboard');
      const { state, buttons, response } = request.data;
      if (response?.buttonId === buttonId) return unchanged(null); // a repeat
      const button = buttonOf(buttons, buttonId);
      if (state !== 'pending' || button === undefined) throw cannotAnswer('this button cannot be pressed');
      const words = { ...wordsOf(button, messageId), clientSideId: `${messageId}-response`, nonce };
      const answer = visitorMessage(chat, page, words, nowUs);
      const data: KeyboardData = { state: 'completed', buttons, response: { buttonId, messageId: answer.id } };
      const changedUs = nextMessageTime({ ...chat, lastTsUs: answer.tsUs }, nowUs);
      return {
        changes: [
          ...wake(chat, rows, defaultMaxChats, nowUs),
          { type: 'message-added', message: answer },
          { type: 'message-edited', message: { ...request, data, changedUs } },
        ],
        answer: null,
      };
    },
  };
}

function wordsOf(button: Button, messageId: string) {
  const data = { button, request: { messageId } };
  return { kind: 'keyboard_response' as const, text: button.text, data, quote: null };
}

function cannotAnswer(why: string): ChatError {
  return new ChatError('conflict', 'cannot-create-response', why);
}
