/**
 * The messages of chats that have just begun, as they went by: the operator who is given such a chat is told them without
 * asking the database.
 */
import { isOpen } from '../domain/chat.ts';
import type { Chat } from '../domain/chat.ts';
import { isFromVisitor, type Message } from '../domain/message.ts';
import type { StoredMessage } from '../ports/index.ts';
import type { AppliedChange } from '../sync/replica.ts';

/** With the limits below 8 MB at most. */
const MAX_CHATS = 1_000;
const MAX_MESSAGES = 4;
const MAX_LENGTH = 1_000;

export class FirstMessages {
  /** Oldest first. */
  readonly #messages = new Map<number, Message[]>();

  applied({ change, chatAfter }: AppliedChange): void {
    switch (change.type) {
      case 'chat-opened':
        if (change.chat.messageCount === 0) this.#begin(change.chat.id);
        break;
      case 'message-added':
        this.#add(change.message);
        break;
      case 'message-edited':
        this.#messages.delete(change.message.chatId);
        break;
      default:
        if (chatAfter !== undefined && !isOpen(chatAfter)) this.#messages.delete(chatAfter.id);
    }
  }

  clear(): void {
    this.#messages.clear();
  }

  /** All messages of the chat, oldest first; undefined: they must be read. */
  of({ id, messageCount, readByOperatorUs }: Chat): StoredMessage[] | undefined {
    const messages = this.#messages.get(id);
    if (messages?.length !== messageCount) return undefined;
    return messages.map(message => ({ ...message, read: isFromVisitor(message) && message.tsUs <= readByOperatorUs }));
  }

  #begin(chatId: number): void {
    this.#messages.set(chatId, []);
    for (const oldest of this.#messages.keys()) {
      if (this.#messages.size <= MAX_CHATS) break;
      this.#messages.delete(oldest);
    }
  }

  #add(message: Message): void {
    const messages = this.#messages.get(message.chatId);
    if (messages === undefined) return;
    const isSmall = message.text.length <= MAX_LENGTH && message.data === null && message.quote === null;
    if (isSmall && messages.length < MAX_MESSAGES) messages.push(message);
    else this.#messages.delete(message.chatId);
  }
}
