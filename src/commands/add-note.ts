/** A note of the system to the operators of a visitor's open chat; he does not see it. */
import { ChatError } from '../domain/error.ts';
import { messageId } from '../domain/message.ts';
import { nextMessageTime } from './chat-rows.ts';
import type { Command } from '../commit/command.ts';
import { MESSAGE_BYTES, textBytes } from './command-bytes.ts';

export interface Note {
  readonly visitorId: string;
  readonly text: string;
  readonly nonce: string;
}

export function addNote({ visitorId, text, nonce }: Note): Command<null> {
  return {
    name: 'note',
    bytes: MESSAGE_BYTES + textBytes(text),
    addKeys(keys) {
      keys.openChatsOf.add(visitorId);
    },
    decide(rows, nowUs) {
      const chat = rows.openChatOf(visitorId);
      if (chat === undefined) throw new ChatError('conflict', 'no-chat', 'there is no open chat');
      const tsUs = nextMessageTime(chat, nowUs);
      const message = {
        id: messageId(tsUs, nonce),
        chatId: chat.id,
        visitorId,
        visitSessionId: chat.visitSessionId,
        sender: 'system',
        clientSideId: nonce,
        kind: 'for_operator' as const,
        authorId: null,
        name: '',
        avatar: null,
        text,
        data: null,
        tsUs,
        changedUs: tsUs,
        edited: false,
        deleted: false,
        quote: null,
        reaction: null,
      };
      return { changes: [{ type: 'message-added', message }], answer: null };
    },
  };
}
