/**
 * What the chats must look like, computed from the change log by rules written a second time and differently: a broken
 * `apply` agrees with itself everywhere, but not with this.
 */
import assert from 'node:assert/strict';
import type { Change } from '../../src/domain/change.ts';
import type { TestDatabase } from './database.ts';

interface Expected {
  state: string;
  operator: number | null;
  assigned: number | null;
  messages: number;
  readByVisitor: boolean;
  unreadByOperator: boolean;
  lastText: string | null;
}

/** Where each move leads, in words of this file's own. */
function follow(chat: Expected, { move, operatorId, assignedOperatorId }: Extract<Change, { type: 'chat-moved' }>): void {
  if (/^closed-by-/.test(move))
    Object.assign(chat, {
      state: chat.state === 'invitation' && move === 'closed-by-operator' ? 'closed' : move.replaceAll('-', '_'),
      assigned: null,
    });
  else if (move === 'expired') Object.assign(chat, { state: 'closed', assigned: null });
  else if (move === 'assigned' || (move === 'transferred' && chat.state === 'queue')) chat.assigned = assignedOperatorId;
  else if (/^(passed|declined|released|requeued|sent-to-department)$/.test(move))
    Object.assign(chat, { state: 'queue', operator: null, assigned: null });
  else if (/^(taken|transferred|resumed|accepted)$/.test(move))
    Object.assign(chat, { state: 'chatting', operator: operatorId, assigned: null });
  else if (move === 'held') chat.state = 'hold';
  else assert.fail(`what is ${move}?`);
}

export async function assertChatsFollowFromTheLog(database: TestDatabase): Promise<void> {
  const rows = await database.query<{ changes: string }>('select changes from change_log order by last_revision');
  const chats = new Map<number, Expected>();
  const texts = new Map<string, string>();
  /** Messages that a visitor has not seen yet, and their chats. */
  const unread = new Map<string, Expected>();
  for (const change of rows.flatMap(row => JSON.parse(row.changes) as Change[])) {
    if (change.type === 'chat-opened') {
      const again = chats.get(change.chat.id);
      if (again !== undefined) Object.assign(again, { state: change.chat.state, operator: change.chat.operatorId, assigned: null });
      else
        chats.set(change.chat.id, {
          state: change.as === 'invited' ? 'invitation' : 'queue',
          operator: change.chat.operatorId,
          assigned: null,
          messages: 0,
          readByVisitor: true,
          unreadByOperator: false,
          lastText: null,
        });
    }
    const id = 'chatId' in change ? (change.chatId ?? undefined) : 'message' in change ? change.message.chatId : undefined;
    const chat = id === undefined ? undefined : chats.get(id);
    if (chat === undefined) continue;
    if (change.type === 'message-added') {
      chat.messages += 1;
      chat.lastText = change.message.id;
      if (change.message.sender.startsWith('v:')) chat.unreadByOperator = true;
      else if (change.message.kind !== 'for_operator') {
        unread.set(change.message.id, chat);
        chat.readByVisitor = false;
      }
    }
    if (change.type === 'message-added' || change.type === 'message-edited') texts.set(change.message.id, change.message.text);
    if (change.type === 'chat-moved') follow(chat, change);
    if (change.type === 'message-edited' && change.message.deleted && unread.delete(change.message.id)) {
      chat.readByVisitor = ![...unread.values()].includes(chat);
    }
    if (change.type === 'chat-read-by-visitor') {
      chat.readByVisitor = true;
      for (const [messageId, of] of unread) if (of === chat) unread.delete(messageId);
    }
    if (change.type === 'chat-read-by-operator') chat.unreadByOperator = false;
  }
  const stored = await database.query<{ id: string } & Record<string, unknown>>(
    `select id, state, operator_id::int as operator, assigned_operator_id::int as assigned, message_count as messages,
       unread_by_visitor_msg_cnt as "unreadByVisitor", read_by_visitor as "readByVisitor",
       unread_by_operator_since_us is not null as "unreadByOperator", (select left(text, 200) from message where message.chat_id = chat.id order by ts_us desc limit 1) as "lastText" from chat`,
  );
  assert.equal(stored.length, chats.size);
  for (const { id, ...row } of stored) {
    const chat = chats.get(Number(id))!;
    const { lastText, ...rest } = chat;
    const expected = { ...rest, unreadByVisitor: [...unread.values()].filter(of => of === chat).length };
    // Headers keep the beginning of the newest text: 200 characters, or one less so as not to cut a pair.
    const text = lastText === null ? null : (texts.get(lastText) ?? '');
    const whole =
      text === null || text.length <= 200 || (text.startsWith(String(row['lastText'])) && String(row['lastText']).length >= 199);
    assert.deepEqual(row, { ...expected, lastText: text !== null && text.length > 200 && whole ? row['lastText'] : text }, `chat ${id}`);
  }
}
