/** The widget's reducer over frames, its links and its signatures, without a browser. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { splitLinks } from '../../src/web/shared/links.ts';
import { sign } from '../../src/web/widget/signature.ts';
import {
  applyFrame,
  applyHistory,
  applyOlderMessages,
  type Conversation,
  isBehind,
  nextQuestion,
  NOTHING_YET,
} from '../../src/web/widget/state.ts';
import type { Delta, FullUpdate, Message, Survey, WireChat } from '../../src/web/widget/wire.ts';

const message = (ts_m: number, more: Partial<Message> = {}): Message => ({
  id: `m${ts_m}`,
  clientSideId: `c${ts_m}`,
  kind: 'visitor',
  text: `text ${ts_m}`,
  name: '',
  ts: ts_m / 1e6,
  ts_m,
  authorId: null,
  avatar: null,
  read: false,
  canBeEdited: true,
  canBeReplied: true,
  canVisitorReact: false,
  edited: false,
  deleted: false,
  data: null,
  quote: null,
  reaction: null,
  chatId: '1',
  ...more,
});

const chat = (more: Partial<WireChat> = {}): WireChat => ({
  id: 1,
  state: 'chatting',
  operator: { id: 7, fullname: 'Ann', avatar: null, title: null },
  operatorTyping: false,
  operatorIdToRate: {},
  unreadByVisitorMsgCnt: 0,
  offline: false,
  messages: [],
  ...more,
});

const fullUpdate = (more: Partial<FullUpdate> = {}): FullUpdate => ({
  pageId: 'p',
  authToken: 't',
  visitSessionId: 's',
  visitor: { id: 'v', fields: {} },
  onlineStatus: 'online',
  chat: null,
  departments: [],
  historyRevision: 0,
  showHelloMessage: false,
  helloMessageDescr: '',
  survey: null,
  queue: null,
  ...more,
});

const after = (state: Conversation, ...deltaList: Delta[]): Conversation => applyFrame(state, { revision: '2', deltaList });
const upd = (objectType: string, data: unknown, id = 's'): Delta => ({ objectType, event: 'upd', id, data });
const texts = (state: Conversation): string[] => state.messages.map(({ text }) => text);

const begun = applyFrame(NOTHING_YET, { revision: '1', fullUpdate: fullUpdate({ chat: chat({ messages: [message(10), message(20)] }) }) });

describe('the widget’s state', () => {
  test('shows messages in order of time and once, in whatever order and however often they are told', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 30 })), times => {
        const state = times.reduce(
          (so_far, time) => after(so_far, { objectType: 'CHAT_MESSAGE', event: 'add', id: `m${time}`, data: message(time) }),
          NOTHING_YET,
        );
        const expected = [...new Set(times)].sort((a, b) => a - b).map(time => `text ${time}`);
        assert.deepEqual(texts(state), expected);
      }),
    );
  });

  test('changes, deletes and marks messages where they stand', () => {
    const edited = after(begun, {
      objectType: 'CHAT_MESSAGE',
      event: 'upd',
      id: 'm10',
      data: message(10, { text: 'better', edited: true }),
    });
    assert.deepEqual(texts(edited), ['better', 'text 20']);
    const read = after(edited, upd('MESSAGE_READ', true, 'm10'));
    assert.deepEqual(
      read.messages.map(it => it.read),
      [true, false],
    );
    assert.deepEqual(texts(after(read, { objectType: 'CHAT_MESSAGE', event: 'del', id: 'm10', data: null })), ['text 20']);
  });

  test('does not take back that a message was read when an older answer comes late', () => {
    const read = after(begun, upd('MESSAGE_READ', true, 'm10'));
    assert.equal(applyHistory(read, { revision: '20', hasMore: false, messages: [message(10)] }).messages[0]?.read, true);
  });

  test('keeps the words and the operator of a chat that is closed, and ends its typing and its queue', () => {
    const waiting = after(begun, upd('CHAT_OPERATOR_TYPING', true), upd('QUEUE', { position: 3, estimateSeconds: null }));
    assert.equal(waiting.chat?.operatorTyping, true);
    assert.equal(waiting.queue?.position, 3);
    const closed = after(waiting, upd('CHAT_STATE', 'closed_by_operator'));
    assert.equal(closed.chat?.operatorTyping, false);
    assert.equal(closed.chat.operator?.fullname, 'Ann');
    assert.equal(closed.queue, null);
    assert.deepEqual(texts(closed), ['text 10', 'text 20']);
    const again = applyFrame(closed, { revision: '9', fullUpdate: fullUpdate() });
    assert.equal(again.chat?.state, 'closed_by_operator', 'a full update without a chat does not forget how the last one ended');
  });

  test('knows after a full update that something was missed, and has it from the history', () => {
    const loaded = applyHistory(begun, { revision: '20', hasMore: true, messages: [message(10), message(20)] });
    assert.equal(loaded.history, 'has-more');
    const live = after(
      loaded,
      { objectType: 'CHAT_MESSAGE', event: 'add', id: 'm30', data: message(30) },
      upd('HISTORY_REVISION', { revision: '30' }),
    );
    assert.equal(isBehind(live), false, 'what was told with its revision is not missed');

    const away = applyFrame(live, { revision: '50', fullUpdate: fullUpdate({ historyRevision: 60 }) });
    assert.equal(isBehind(away), true);
    const during = after(away, upd('HISTORY_REVISION', { revision: '70' }));
    assert.equal(isBehind(during), true, 'a delta does not hide the hole before it');
    const caughtUp = applyHistory(during, {
      revision: '70',
      hasMore: false,
      messages: [message(20, { deleted: true, text: '' }), message(60), message(70)],
    });
    assert.deepEqual(texts(caughtUp), ['text 10', 'text 30', 'text 60', 'text 70']);
    assert.equal(isBehind(caughtUp), false);
    assert.equal(caughtUp.history, 'has-more', 'what is older is a question of its own');
  });

  test('puts older pages before what is there', () => {
    const loaded = applyHistory(begun, { revision: '20', hasMore: true, messages: [message(10), message(20)] });
    const older = applyOlderMessages(loaded, { hasMore: false, messages: [message(1), message(2)] });
    assert.deepEqual(texts(older), ['text 1', 'text 2', 'text 10', 'text 20']);
    assert.equal(older.history, 'complete');
  });

  test('shows no change of a message between which and the loaded ones others are missing', () => {
    const loaded = applyHistory(begun, { revision: '20', hasMore: true, messages: [message(10), message(20)] });
    const old = message(3, { text: 'changed' });
    const tell = (state: Conversation) => after(state, { objectType: 'CHAT_MESSAGE', event: 'upd', id: old.id, data: old });
    assert.deepEqual(texts(tell(loaded)), ['text 10', 'text 20']);
    assert.deepEqual(texts(applyHistory(loaded, { revision: '30', hasMore: false, messages: [old, message(30)] })), [
      'text 10',
      'text 20',
      'text 30',
    ]);
    const complete = applyOlderMessages(loaded, { hasMore: false, messages: [message(3)] });
    assert.deepEqual(texts(tell(complete)), ['changed', 'text 10', 'text 20']);
  });

  test('counts ratings, unread messages, departments and fields', () => {
    const state = after(
      begun,
      upd('OPERATOR_RATE', { operatorId: 7, rating: 2 }),
      upd('UNREAD_BY_VISITOR', { sinceTs: 1, msgCnt: 4 }),
      upd('ONLINE_STATUS', 'offline'),
      upd('DEPARTMENT_LIST', [{ key: 'a', name: 'A', online: 'offline' }]),
      upd('VISITOR_FULL', { id: 'v', fields: { name: 'Bob' } }),
      upd('SOMETHING_NEW', { whatever: true }),
    );
    assert.equal(state.chat?.operatorIdToRate['7']?.rating, 2);
    assert.equal(state.chat.unreadByVisitorMsgCnt, 4);
    assert.equal(state.onlineStatus, 'offline');
    assert.equal(state.departments[0]?.key, 'a');
    assert.equal(state.fields['name'], 'Bob');
  });

  test('walks a survey from form to form', () => {
    const question = { type: 'stars', text: '?' } as const;
    const survey: Survey = {
      id: '1',
      config: {
        descriptor: {
          forms: [
            { id: 1, questions: [question, question] },
            { id: 5, questions: [question] },
          ],
        },
      },
      current_question: { form_id: 1, question_id: 1 },
    };
    const next = nextQuestion(survey);
    assert.deepEqual(next, { form_id: 5, question_id: 0 });
    assert.equal(nextQuestion({ ...survey, current_question: next }), undefined);
  });
});

describe('links in messages', () => {
  test('are web addresses only, without the sentence around them', () => {
    const links = (text: string) => splitLinks(text).flatMap(({ href }) => href ?? []);
    assert.deepEqual(links('see https://example.org/a?b=1 (or http://x.example/y).'), ['https://example.org/a?b=1', 'http://x.example/y']);
    assert.deepEqual(links('javascript:alert(1) data:text/html,x ftp://x file:///etc https://'), []);
    assert.deepEqual(links('看 https://例子.example/路径。'), ['https://xn--fsqu00a.example/%E8%B7%AF%E5%BE%84']);
    assert.deepEqual(links('请看https://a.example/x，谢谢'), ['https://a.example/x']);
    const begunMs = performance.now();
    links(`http://x${'.'.repeat(31_900)}a`);
    assert.ok(performance.now() - begunMs < 100, 'a hostile text holds nothing up');
  });

  test('leave every character of the text', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('https://a.example', ' ', '.', 'x', '\n', '<b>', 'http://')), parts => {
        const text = parts.join('');
        assert.equal(
          splitLinks(text)
            .map(part => part.text)
            .join(''),
          text,
        );
      }),
    );
  });
});

test('signatures are HMAC-SHA256, with the browser’s help and without it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ minLength: 1, maxLength: 200 }), fc.string({ maxLength: 300 }), async (key, text) => {
      const right = createHmac('sha256', key).update(text).digest('hex');
      assert.equal(await sign(key, text, undefined), right);
      assert.equal(await sign(key, text, crypto.subtle), right);
    }),
    { numRuns: 60 },
  );
});
