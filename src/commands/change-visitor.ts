/** What is known of a visitor changes: contacts, fields of the app, what the site signs, a history that is cleared. */
import { type Told, type Visitor, withTold } from '../domain/visitor.ts';
import { getVisitor } from './chat-rows.ts';
import { type Command, unchanged } from '../commit/command.ts';
import { jsonBytes } from './command-bytes.ts';

/** Adds to what is known; what was signed changes by what is signed alone. */
export function changeVisitorFields(visitorId: string, said: Told): Command<null> {
  return changeVisitor('visitor fields', visitorId, jsonBytes(said), visitor => withTold(visitor, said));
}

/** What was said up to now is not shown to him any more, but for his open chat: his clock stands where that began. */
export function clearHistory(visitorId: string): Command<null> {
  return changeVisitor('chat.clear_history', visitorId, 0, visitor =>
    visitor.clearedUs === visitor.lastTsUs ? visitor : { ...visitor, clearedUs: visitor.lastTsUs },
  );
}

/** `change` returns the same object when nothing changes. */
function changeVisitor(name: string, visitorId: string, more: number, change: (visitor: Visitor) => Visitor): Command<null> {
  return {
    name,
    bytes: 10_000 + more,
    addKeys(keys) {
      keys.addVisitorWithChat(visitorId);
    },
    decide(rows) {
      const visitor = getVisitor(rows, visitorId);
      const chat = rows.openChatOf(visitorId);
      const after = change(visitor);
      if (after === visitor) return unchanged(null);
      const { fields, verified, clearedUs } = after;
      return { changes: [{ type: 'visitor-changed', visitorId, chatId: chat?.id ?? null, fields, verified, clearedUs }], answer: null };
    },
  };
}
