/** Chats of any age, open or closed, and who may read them. Never who may change them: that is their commands' business. */
import { mayRead } from '../../domain/audience.ts';
import type { Chat } from '../../domain/chat.ts';
import { ChatError } from '../../domain/error.ts';
import type { Operator } from '../../domain/operator.ts';
import type { Services } from '../services.ts';

/** An open or closed chat whose texts this operator may see. Throws ChatError. */
export async function readableChat(services: Services, operator: Operator, chatId: number): Promise<Chat> {
  const chat = await knownChat(services, chatId);
  if (!mayRead(operator, chat)) throw new ChatError('forbidden', 'not-allowed', 'this chat is of another department');
  return chat;
}

/** Whoever may read it. Throws `chat-not-found`. */
export async function knownChat({ messages, replica }: Services, chatId: number): Promise<Chat> {
  const chat = replica.chats.get(chatId) ?? (await messages.findChat(chatId));
  if (chat === undefined) throw new ChatError('not-found', 'chat-not-found', `there is no chat ${chatId}`);
  return chat;
}
