/** What is known of a visitor changes: contacts, fields of the app, a history that he clears. */
import { areSameFields, type Visitor, withFields } from '../domain/visitor.ts';
import { getVisitor } from './chat-rows.ts';
import { type Command, unchanged } from './command.ts';
import { jsonBytes } from './command-bytes.ts';

/** Adds `fields` to what is known; an empty value takes one away. */
export function changeVisitorFields(visitorId: string, fields: Visitor['fields']): Command<null> {
  return changeVisitor('visitor fields', visitorId, jsonBytes(fields), visitor => ({
    ...visitor,
    fields: withFields(visitor.fields, fields),
  }));
}

/** What was said up to now is not shown to him any more, but for his open chat: his clock stands where that began. */
export function clearHistory(visitorId: string): Command<null> {
  return changeVisitor('chat.clear_history', visitorId, 0, visitor => ({ ...visitor, clearedUs: visitor.lastTsUs }));
}

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
      const { fields, clearedUs } = change(visitor);
      if (clearedUs === visitor.clearedUs && areSameFields(fields, visitor.fields)) return unchanged(null);
      return { changes: [{ type: 'visitor-changed', visitorId, chatId: chat?.id ?? null, fields, clearedUs }], answer: null };
    },
  };
}
