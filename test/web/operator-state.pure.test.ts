/** What each frame of the server makes of the desk: every object type, with and without a revision, and what a new full update keeps. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { belongsTo, countTabs, isUnreadFor, orderedIds, shownIds } from '../../src/web/operator/lists.ts';
import { newsOf } from '../../src/web/operator/news.ts';
import { applyFrame, applyFrames, applyHistory, type DeskState, EMPTY_DESK, mergeMessages, openLog } from '../../src/web/operator/state.ts';
import type { Chat, Delta, FullUpdate, Message, Operator } from '../../src/web/operator/wire.ts';

const ME = 1;
const NOW_MS = 1_000_000;

function operator(id: number, changes: Partial<Operator> = {}): Operator {
  const name = `Operator ${id}`;
  return {
    ...{ id, fullname: name, login: name, title: '', status: 'online', statusTs: 0, statusReason: 'set', chats: 0, maxChats: 5 },
    ...{ departmentKeys: [], langs: [], roles: ['operator'] },
    ...changes,
  };
}

function message(number: number, changes: Partial<Message> = {}): Message {
  return {
    ...{
      id: `m${number}`,
      clientSideId: `c${number}`,
      kind: 'visitor',
      text: `text ${number}`,
      name: 'Guest',
      ts: number,
      ts_m: number * 1e6,
    },
    ...{ authorId: null, edited: false, deleted: false, data: null, quote: null, reaction: null },
    ...changes,
  };
}

function chat(id: number, changes: Partial<Chat> = {}): Chat {
  return {
    ...{ id, state: 'queue', visitor: { id: `v${id}`, fields: { name: `Guest ${id}` }, channel: 'web' }, operatorId: null },
    ...{ assignedOperatorId: null, assignedTs: null, departmentKey: null, lang: 'en', location: 'default', offline: false },
    ...{ creationTs: id, queueTs: id, modificationTs: id, unreadByOperatorSinceTs: null, unreadByVisitorSinceTs: null },
    ...{ unreadByVisitorMsgCnt: 0, readByVisitor: true, rating: null, category: null, subject: null, page: { url: null, title: null } },
    ...{ messageCount: 0, lastMessage: null },
    ...changes,
  };
}

function fullUpdate(chats: readonly Chat[]): FullUpdate {
  return {
    operator: operator(ME),
    operators: [operator(ME), operator(2)],
    departments: [{ id: 1, key: 'sales', name: 'Sales', order: 1, online: 'online', queue: 0 }],
    chats,
    statuses: [{ name: 'online', sort: 'takes', title: 'Online' }],
    subjects: [],
    serverTs: NOW_MS / 1_000 + 7,
    limits: { maxMessageLength: 100, maxFileSize: 100, maxChats: 5 },
  };
}

const desk = (...chats: Chat[]): DeskState => applyFrame(EMPTY_DESK, { revision: '10', fullUpdate: fullUpdate(chats) }, NOW_MS);
const told = (state: DeskState, ...deltaList: Delta[]): DeskState => applyFrame(state, { revision: '11', deltaList }, NOW_MS);
const said = (chatId: number, one: Message, event: Delta['event'] = 'add'): Delta => ({
  objectType: 'CHAT_MESSAGE',
  event,
  id: one.id,
  data: { chatId, message: one },
});
const texts = (state: DeskState, chatId: number): string[] | undefined => state.logs.get(chatId)?.messages.map(({ text }) => text);

describe('a full update', () => {
  test('is everything: who, what, the clock, and where the client stands', () => {
    const state = desk(chat(5, { operatorId: ME, state: 'chatting', messages: [message(1), message(2)] }), chat(6));
    assert.equal(state.revision, '10');
    assert.equal(state.myId, ME);
    assert.equal(state.clockAheadSeconds, 7);
    assert.deepEqual([...state.chats.keys()], [5, 6]);
    assert.deepEqual(texts(state, 5), ['text 1', 'text 2']);
    assert.equal(state.logs.has(6), false, 'texts of a queued chat are not told');
    assert.equal(state.departments.get('sales')?.name, 'Sales');
  });

  test('after a resync replaces what was known, and keeps an opened chat that has gone readable', () => {
    const before = applyHistory(openLog(desk(chat(5), chat(6)), 5), 5, { messages: [message(1)], hasMore: false });
    const after = applyFrame(before, { revision: '20', fullUpdate: fullUpdate([chat(7)]) }, NOW_MS);
    assert.deepEqual([...after.chats.keys()], [7]);
    assert.equal(after.past.get(5)?.id, 5);
    assert.deepEqual(texts(after, 5), ['text 1']);
    assert.equal(after.past.has(6), false, 'nobody has opened it');
  });

  test('forgets loaded texts of chats that it tells without them: there may be a hole', () => {
    const before = applyHistory(openLog(desk(chat(5)), 5), 5, { messages: [message(1)], hasMore: false });
    const after = applyFrame(before, { revision: '20', fullUpdate: fullUpdate([chat(5)]) }, NOW_MS);
    assert.equal(after.logs.has(5), false);
  });
});

describe('the revision', () => {
  test('moves with a frame that carries one, and only with it', () => {
    const state = desk(chat(5));
    assert.equal(told(state).revision, '11');
    assert.equal(applyFrame(state, { deltaList: [] }, NOW_MS), state, 'nothing happened: the same object');
    const typing = { objectType: 'CHAT_VISITOR_TYPING', event: 'upd', id: 5, data: { typing: true } } as const;
    assert.equal(applyFrame(state, { deltaList: [typing] }, NOW_MS).revision, '10');
  });

  test('is the last one of frames that are applied together', () => {
    const state = applyFrames(desk(), [{ revision: '11', deltaList: [] }, { deltaList: [] }, { revision: '12', deltaList: [] }], NOW_MS);
    assert.equal(state.revision, '12');
  });
});

describe('CHAT', () => {
  test('add makes it seen, del takes it away', () => {
    const added = told(desk(), { objectType: 'CHAT', event: 'add', id: 5, data: chat(5) });
    assert.equal(added.chats.get(5)?.state, 'queue');
    const gone = told(added, { objectType: 'CHAT', event: 'del', id: 5, data: null });
    assert.equal(gone.chats.size, 0);
    assert.equal(gone.past.size, 0);
  });

  test('upd with messages makes it his own; what he had loaded before them is kept where nothing is missing', () => {
    const opened = applyHistory(openLog(desk(chat(5)), 5), 5, { messages: [message(1), message(2)], hasMore: true });
    const own = chat(5, { operatorId: ME, state: 'chatting', messages: [message(2), message(3)] });
    const state = told(opened, { objectType: 'CHAT', event: 'upd', id: 5, data: own });
    assert.deepEqual(texts(state, 5), ['text 1', 'text 2', 'text 3']);
    assert.equal('messages' in (state.chats.get(5) ?? {}), false);
    const far = chat(5, { operatorId: ME, messages: [message(8), message(9)] });
    assert.deepEqual(texts(told(opened, { objectType: 'CHAT', event: 'upd', id: 5, data: far }), 5), ['text 8', 'text 9']);
  });

  test('upd without messages keeps those that are there', () => {
    const state = told(desk(chat(5, { operatorId: ME, messages: [message(1)] })), {
      ...{ objectType: 'CHAT', event: 'upd', id: 5 },
      data: chat(5, { operatorId: ME, rating: 2 }),
    });
    assert.equal(state.chats.get(5)?.rating, 2);
    assert.deepEqual(texts(state, 5), ['text 1']);
  });

  test('of an opened one del leaves it readable, as it was closed', () => {
    const state = told(
      desk(chat(5, { operatorId: ME, state: 'chatting', messages: [message(1)] })),
      { objectType: 'CHAT_STATE', event: 'upd', id: 5, data: { state: 'closed_by_visitor', operatorId: ME, assignedOperatorId: null } },
      { objectType: 'CHAT', event: 'del', id: 5, data: null },
    );
    assert.equal(state.chats.has(5), false);
    assert.equal(state.past.get(5)?.state, 'closed_by_visitor');
    assert.deepEqual(texts(state, 5), ['text 1']);
    const again = told(state, { objectType: 'CHAT', event: 'add', id: 5, data: chat(5) });
    assert.equal(again.past.has(5), false);
    assert.equal(again.logs.has(5), false, 'what was said meanwhile is not known');
  });

  test('of more than 20 that have gone the oldest are forgotten, with their texts', () => {
    let state = desk();
    for (let id = 1; id <= 25; id++) state = openLog(state, id, chat(id));
    assert.equal(state.past.size, 20);
    assert.equal(state.logs.size, 20);
    assert.equal(state.past.has(5), false);
    assert.equal(state.past.has(6), true);
  });
});

describe('CHAT_STATE, CHAT_READ, VISITOR', () => {
  test('change what they name, and nothing of a chat that is not seen', () => {
    const state = told(
      desk(chat(5, { assignedOperatorId: 2, assignedTs: 3 })),
      {
        objectType: 'CHAT_STATE',
        event: 'upd',
        id: 5,
        data: { state: 'chatting', operatorId: ME, assignedOperatorId: null, assignedTs: null, modificationTs: 12 },
      },
      {
        ...{ objectType: 'CHAT_READ', event: 'upd', id: 5 },
        data: { readByVisitor: false, unreadByOperatorSinceTs: 9, unreadByVisitorSinceTs: 8, unreadByVisitorMsgCnt: 2 },
      },
      {
        objectType: 'VISITOR',
        event: 'upd',
        id: 'v5',
        data: { chatId: 5, visitor: { id: 'v5', fields: { name: 'Ann' }, channel: 'web' } },
      },
      { objectType: 'CHAT_STATE', event: 'upd', id: 99, data: { state: 'chatting', operatorId: 2, assignedOperatorId: null } },
    );
    const changed = state.chats.get(5);
    assert.equal(changed?.state, 'chatting');
    assert.equal(changed.operatorId, ME);
    assert.equal(changed.assignedTs, null, 'the time was of another assignment');
    assert.equal(changed.unreadByOperatorSinceTs, 9);
    assert.equal(changed.readByVisitor, false);
    assert.equal(changed.visitor.fields['name'], 'Ann');
    assert.equal(state.chats.has(99), false);
  });
});

describe('CHAT_MESSAGE', () => {
  const own = chat(5, { operatorId: ME, state: 'chatting', messages: [message(1)], messageCount: 1 });

  test('add comes behind, once, and is the last one of the list', () => {
    const state = told(desk(own), said(5, message(2)), said(5, message(2)));
    assert.deepEqual(texts(state, 5), ['text 1', 'text 2']);
    assert.equal(state.chats.get(5)?.lastMessage?.text, 'text 2');
    assert.equal(state.chats.get(5)?.modificationTs, 5);
  });

  test('upd changes the words in their place, del takes them away and leaves the place', () => {
    const state = told(
      desk({ ...own, messages: [message(1), message(2)] }),
      said(5, message(1, { text: 'other', edited: true }), 'upd'),
      said(5, message(2, { text: '', deleted: true }), 'del'),
    );
    assert.deepEqual(texts(state, 5), ['other', '']);
    assert.equal(state.logs.get(5)?.messages[1]?.deleted, true);
  });

  test('upd of one that is older than what was loaded is left to the history', () => {
    const opened = applyHistory(openLog(desk(chat(5)), 5), 5, { messages: [message(5)], hasMore: true });
    assert.deepEqual(texts(told(opened, said(5, message(2), 'upd')), 5), ['text 5']);
  });

  test('of a chat whose texts nobody has asked for changes only its row', () => {
    const state = told(desk(chat(5)), said(5, message(9, { text: 'x'.repeat(300) })));
    assert.equal(state.logs.has(5), false);
    assert.equal(state.chats.get(5)?.lastMessage?.text.length, 200);
    assert.equal(state.chats.get(5)?.messageCount, 1);
  });

  test('that comes while the history is under way is not lost, and wins over an older wording', () => {
    const waiting = told(openLog(desk(chat(5)), 5), said(5, message(3, { text: 'newer' })));
    assert.equal(waiting.logs.get(5)?.isLoaded, false);
    const state = applyHistory(waiting, 5, { messages: [message(2), message(3)], hasMore: false });
    assert.deepEqual(texts(state, 5), ['text 2', 'newer']);
    assert.equal(state.logs.get(5)?.hasOlder, false);
  });
});

describe('typing', () => {
  const typing = (data: object): Delta => ({ objectType: 'CHAT_VISITOR_TYPING', event: 'upd', id: 5, data });

  test("a visitor's is told with his draft, and ends by word or with his message", () => {
    const state = applyFrame(desk(chat(5)), { deltaList: [typing({ typing: true, draft: 'By the' })] }, 42);
    assert.deepEqual(state.typing.get(5), { draft: 'By the', atMs: 42 });
    assert.equal(told(state, typing({ typing: false })).typing.has(5), false);
    assert.equal(told(state, said(5, message(1))).typing.has(5), false);
  });

  test("a colleague's is told, one's own is not", () => {
    const by = (operatorId: number, on: boolean): Delta => ({
      ...{ objectType: 'CHAT_OPERATOR_TYPING', event: 'upd', id: 5 },
      data: { operatorId, typing: on },
    });
    const state = told(desk(chat(5)), by(ME, true));
    assert.equal(state.colleagueTyping.size, 0);
    const with2 = told(state, by(2, true));
    assert.equal(with2.colleagueTyping.get(5), 2);
    assert.equal(told(with2, by(2, false)).colleagueTyping.size, 0);
  });
});

describe('OPERATOR, OPERATOR_STATUS, DEPARTMENT and what is not known', () => {
  test('change people and departments', () => {
    const state = told(
      desk(),
      { objectType: 'OPERATOR', event: 'upd', id: 2, data: operator(2, { chats: 4 }) },
      { objectType: 'OPERATOR', event: 'add', id: 3, data: operator(3) },
      { objectType: 'OPERATOR_STATUS', event: 'upd', id: 2, data: { status: 'break', statusTs: 5, statusReason: 'supervisor' } },
      { objectType: 'OPERATOR_STATUS', event: 'upd', id: 77, data: { status: 'break', statusTs: 5, statusReason: 'set' } },
      {
        objectType: 'DEPARTMENT',
        event: 'upd',
        id: 'sales',
        data: { id: 1, key: 'sales', name: 'Sales', order: 1, online: 'offline', queue: 3 },
      },
      { objectType: 'SOMETHING_NEW', event: 'upd', id: 1, data: {} },
    );
    assert.equal(state.operators.get(2)?.chats, 4);
    assert.equal(state.operators.get(2)?.status, 'break');
    assert.equal(state.operators.get(3)?.id, 3);
    assert.equal(state.operators.has(77), false);
    assert.equal(state.departments.get('sales')?.queue, 3);
  });
});

test('a frame changes nothing of the state before it', () => {
  const before = desk(chat(5, { operatorId: ME, messages: [message(1)] }));
  const copy = structuredClone(before);
  told(before, said(5, message(2)), { objectType: 'CHAT', event: 'del', id: 5, data: null });
  assert.deepEqual(before, copy);
});

test('messages of two sources are each there once, in order', () => {
  assert.deepEqual(
    mergeMessages([message(3), message(1)], [message(2), message(3, { text: 'new' })]).map(({ text }) => text),
    ['text 1', 'text 2', 'new'],
  );
});

describe('the lists', () => {
  const mine = chat(1, { operatorId: ME, state: 'chatting', modificationTs: 50 });
  const unread = chat(2, { operatorId: ME, state: 'chatting', unreadByOperatorSinceTs: 40 });
  const forMe = chat(3, { assignedOperatorId: ME });
  const waiting = chat(4, { departmentKey: 'sales' });
  const others = chat(5, { operatorId: 2, state: 'chatting' });
  const all = [mine, unread, forMe, waiting, others];

  test('each chat is where it belongs, and counted there', () => {
    assert.deepEqual(countTabs(all, ME), { mine: 2, assigned: 1, queue: 1, all: 5 });
    assert.equal(belongsTo(others, 'mine', ME), false);
    assert.deepEqual(orderedIds(all, 'mine', ME, ''), [2, 1], 'who waits for an answer first');
    assert.deepEqual(orderedIds([chat(9, { queueTs: 1 }), waiting], 'queue', ME, ''), [9, 4], 'by their places');
  });

  test('a filter looks at names, words and departments', () => {
    assert.deepEqual(orderedIds(all, 'all', ME, ' SALES '), [4]);
    assert.deepEqual(orderedIds(all, 'all', ME, 'guest 2'), [2]);
    assert.deepEqual(orderedIds(all, 'all', ME, 'nobody'), []);
  });

  test('a list that is held stands still: nothing moves, nothing goes, new ones are counted', () => {
    assert.deepEqual(shownIds([1, 2, 3], [4, 3, 1], true), { ids: [1, 2, 3], newCount: 1 });
    assert.deepEqual(shownIds([1, 2, 3], [4, 3, 1], false), { ids: [4, 3, 1], newCount: 0 });
  });

  test('unread is what is his and waits for him', () => {
    assert.deepEqual(
      all.filter(one => isUnreadFor(one, ME)).map(({ id }) => id),
      [2, 3],
    );
  });
});

describe('news', () => {
  const own = chat(5, { operatorId: ME, state: 'chatting', messages: [message(1)] });

  test('are assignments, chats that are given to him, and words of his visitors', () => {
    const before = desk(own, chat(6), chat(7, { operatorId: 2, state: 'chatting' }));
    const after = told(
      before,
      said(5, message(2)),
      { objectType: 'CHAT', event: 'upd', id: 6, data: chat(6, { assignedOperatorId: ME }) },
      { objectType: 'CHAT', event: 'upd', id: 7, data: chat(7, { operatorId: ME, state: 'chatting' }) },
    );
    assert.deepEqual(
      newsOf(before, after).map(({ kind, chat: { id } }) => [id, kind]),
      [
        [5, 'message'],
        [6, 'assigned'],
        [7, 'own'],
      ],
    );
  });

  test('are not what he did himself, nor what was there when he came', () => {
    const before = desk(own, chat(6));
    assert.deepEqual(newsOf(EMPTY_DESK, before), []);
    const after = told(before, said(5, message(2, { kind: 'operator', authorId: ME })), {
      objectType: 'CHAT',
      event: 'upd',
      id: 6,
      data: chat(6, { operatorId: ME, state: 'chatting' }),
    });
    assert.deepEqual(newsOf(before, after), []);
  });
});
