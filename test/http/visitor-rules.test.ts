/** The rules that a published SDK dies of when they are broken (docs/protocol/visitor.md), on the wire. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { Operator } from '../support/operator.ts';
import { type SingleNode, startSingle } from '../support/single.ts';
import { Visitor } from '../support/visitor.ts';

describe('a visitor as the published SDKs speak', () => {
  let single: SingleNode;
  let url: string;

  before(async () => {
    single = await startSingle({ ini: 'poll_hold_seconds = 1\nmax_chats_per_operator = 100' });
    url = single.node.url;
  });

  after(() => single.stop());

  test('init answers a full update with a revision that is not 0, a visitor and no deltas; configs are an object', async () => {
    const visitor = await Visitor.init(url);
    assert.match(visitor.since, /^[1-9]\d+$/);
    assert.match(visitor.page.pageId, /^[0-9a-f]{32}x[\w-]+$/);
    assert.match(visitor.page.visitor.id, /^[0-9a-f]{32}$/);
    assert.ok(Number.isSafeInteger(visitor.page.historyRevision));
    assert.equal(visitor.page.chat, null);
    assert.equal(typeof (await (await fetch(`${url}/api/visitor/v1/configs/mobile?jsonp=false`)).json()), 'object');
  });

  test('an idle poll is held, then answers the current revision and nothing', async () => {
    const visitor = await Visitor.init(url);
    for (;;) {
      const started = performance.now();
      const frame = await visitor.poll();
      const heldMs = performance.now() - started;
      if ((frame.deltaList ?? []).length > 0) continue; // somebody has just been hired
      assert.ok(heldMs >= 900, `held for ${heldMs} ms`);
      assert.deepEqual(frame.deltaList, []);
      return;
    }
  });

  test('a first message opens a chat: CHAT with its booleans, then VISIT_SESSION_STATE, then CHAT_MESSAGE with the same client id', async () => {
    const visitor = await Visitor.init(url);
    await visitor.send('Привет & 100% ; = ?', 'client-1');
    await visitor.poll();
    const kinds = visitor.deltas.map(delta => delta.objectType);
    assert.deepEqual(kinds.slice(0, 3), ['CHAT', 'VISIT_SESSION_STATE', 'CHAT_MESSAGE']);
    const [chat, , message] = visitor.deltas.map(delta => delta.data as Record<string, unknown>);
    assert.deepEqual([chat!['operatorTyping'], chat!['readByVisitor'], chat!['state'], chat!['operator']], [false, true, 'queue', null]);
    assert.ok(Number.isInteger(chat!['id']) && Array.isArray(chat!['messages']));
    assert.deepEqual(
      [message!['text'], message!['clientSideId'], message!['kind'], message!['chatId']],
      ['Привет & 100% ; = ?', 'client-1', 'visitor', String(chat!['id'])],
    );
    assert.ok(Number.isInteger(message!['ts_m']) && typeof message!['name'] === 'string');
    for (const delta of visitor.deltas) {
      assert.equal(typeof delta.id, 'string');
      assert.ok(['add', 'upd', 'del'].includes(delta.event));
    }
  });

  test('polling again with an older since gives the lost items again; since=1 gives a full update', async () => {
    const visitor = await Visitor.init(url);
    const before = visitor.since;
    await visitor.send('once', 'once');
    const first = await visitor.poll();
    visitor.since = before;
    const second = await visitor.poll();
    assert.deepEqual(second.deltaList, first.deltaList);
    visitor.since = '1';
    const full = await visitor.poll();
    assert.equal(full.fullUpdate?.chat?.messages[0]?.text, 'once');
    assert.ok(full.fullUpdate.visitor.id);
  });

  test('a repeat is no second message, another text is an edit, both answer ok', async () => {
    const visitor = await Visitor.init(url);
    for (const text of ['one', 'one', 'two']) await visitor.send(text, 'same');
    await visitor.poll();
    const messages = visitor.deltas.filter(delta => delta.objectType === 'CHAT_MESSAGE');
    assert.deepEqual(
      messages.map(delta => [delta.event, (delta.data as { text: string }).text]),
      [
        ['add', 'one'],
        ['upd', 'two'],
      ],
    );
    assert.equal((messages[0]!.data as { ts_m: number }).ts_m, (messages[1]!.data as { ts_m: number }).ts_m, 'the time never changes');
  });

  test('the visitor is known again by the object he gave back, with his open chat and history', async () => {
    const first = await Visitor.init(url, { 'device-id': 'phone' });
    await first.send('hello', 'hello');
    const again = await Visitor.init(url, {
      'device-id': 'phone',
      visitor: JSON.stringify(first.page.visitor),
      'visit-session-id': first.page.visitSessionId,
    });
    assert.equal(again.page.visitor.id, first.page.visitor.id);
    assert.equal(again.page.visitSessionId, first.page.visitSessionId);
    assert.notEqual(again.page.pageId, first.page.pageId);
    assert.equal(again.page.chat?.messages[0]?.text, 'hello');
    assert.equal(again.page.state, 'chat');
  });

  test('history: the newest first time, then what changed, and strictly older by before-ts', async () => {
    const visitor = await Visitor.init(url);
    for (let i = 0; i < 105; i++) await visitor.send(`m${i}`, `m${i}`);
    type Page = { data: { revision: string; hasMore: boolean; messages: { text: string; ts_m: number }[] } };
    const newest = (await visitor.get('/l/v/m/history')) as unknown as Page;
    assert.deepEqual([newest.data.hasMore, newest.data.messages.length, newest.data.messages.at(-1)?.text], [true, 100, 'm104']);
    const older = (await visitor.get('/l/v/m/history', { 'before-ts': String(newest.data.messages[0]!.ts_m) })) as unknown as Page;
    assert.deepEqual([older.data.hasMore, older.data.messages.map(message => message.text)], [false, ['m0', 'm1', 'm2', 'm3', 'm4']]);
    await visitor.send('m3 edited', 'm3');
    const changed = (await visitor.get('/l/v/m/history', { since: newest.data.revision })) as unknown as Page;
    assert.deepEqual(
      changed.data.messages.map(message => message.text),
      ['m3 edited'],
    );
    assert.equal(typeof changed.data.revision, 'string');
    const nothing = (await visitor.get('/l/v/m/history', { since: changed.data.revision })) as unknown as Page;
    assert.deepEqual([nothing.data.hasMore, nothing.data.messages, nothing.data.revision], [false, [], changed.data.revision]);
  });

  test('a whole conversation: operator, read marks, typing, close, and a new chat after it', async t => {
    const operator = await Operator.login(url, 'op', 'correct horse');
    await operator.setStatus('online');
    await operator.connect();
    const visitor = await Visitor.init(url);
    visitor.startPolling();
    t.after(async () => {
      operator.close();
      await visitor.stop();
    });
    await visitor.action('chat.start', { 'client-side-id': 'start', 'first-question': 'Are you there?' });
    const has = (objectType: string, data: unknown) =>
      visitor.deltas.some(delta => delta.objectType === objectType && JSON.stringify(delta.data) === JSON.stringify(data));
    const chatId = await eventually(() => {
      const own = operator.deltas.find(
        delta =>
          delta.objectType === 'CHAT' &&
          JSON.stringify(delta.data).includes(visitor.page.visitor.id) &&
          (delta.data as { messages?: unknown[] }).messages?.length === 1,
      );
      assert.ok(own, 'his chat, with its message');
      return String(own.id);
    });
    assert.equal((await operator.action('chat.message', { chatId, message: 'Yes', clientSideId: 'a1' })).result, 'ok');
    await eventually(() => has('CHAT_STATE', 'chatting') && has('CHAT_READ_BY_VISITOR', false));
    assert.equal(
      (await operator.action('chat.message', { chatId, message: 'a note', clientSideId: 'a2', kind: 'for_operator' })).result,
      'ok',
    );
    assert.equal((await operator.action('chat.read', { chatId })).result, 'ok');
    await eventually(
      () => visitor.deltas.some(delta => delta.objectType === 'MESSAGE_READ') && has('CHAT_UNREAD_BY_OPERATOR_SINCE_TS', null),
    );
    assert.equal((await visitor.action('chat.read_by_visitor')).result, 'ok');
    await eventually(() => has('UNREAD_BY_VISITOR', { sinceTs: 0, msgCnt: 0 }) && has('CHAT_READ_BY_VISITOR', true));
    await operator.action('chat.typing', { chatId, typing: 'true' });
    await eventually(() => has('CHAT_OPERATOR_TYPING', true));
    await visitor.action('chat.visitor_typing', { typing: '1', 'message-draft': 'So…' });
    await eventually(() =>
      operator.deltas.some(
        delta => delta.objectType === 'CHAT_VISITOR_TYPING' && JSON.stringify(delta.data) === '{"typing":true,"draft":"So…"}',
      ),
    );
    assert.equal((await operator.action('chat.close', { chatId })).result, 'ok');
    await eventually(() => has('CHAT_STATE', 'closed_by_operator') && has('VISIT_SESSION_STATE', 'idle-after-chat'));
    assert.equal((await visitor.action('chat.close')).result, 'ok', 'closing what is closed');
    await visitor.send('One more thing', 'more');
    await eventually(() => visitor.deltas.filter(delta => delta.objectType === 'CHAT').length === 2);
    assert.ok(!JSON.stringify(visitor.deltas).includes('a note'), 'notes among operators stay there');
  });

  test('a page ends a week after its last call, a visit session a day after, unless its chat is open; by the database’s clock', async () => {
    const query = (visitor: Visitor): Record<string, string> => ({
      visitor: JSON.stringify(visitor.page.visitor),
      'visit-session-id': visitor.page.visitSessionId,
    });
    const lastSeen = (visitor: Visitor, ago: string) =>
      single.database.query(`update page set seen_at = clock_timestamp() - interval '${ago}' where id = $1`, [visitor.page.pageId]);
    const newcomer = await Visitor.init(url);
    await newcomer.action('chat.set_prechat_fields', { 'prechat-key-independent-fields': '{"shoe": "43"}' });
    const first = await Visitor.init(url, query(newcomer));
    const second = await Visitor.init(url, query(first));
    assert.equal(second.page.visitSessionId, first.page.visitSessionId, 'the same visit');
    await lastSeen(first, '6 days');
    assert.equal((await first.poll()).error, undefined, 'heard of within a week');
    const [page] = await single.database.query<{ now: boolean }>(
      `select seen_at > clock_timestamp() - interval '1 minute' as now from page where id = $1`,
      [first.page.pageId],
    );
    assert.equal(page?.now, true, 'a call is noted');
    await lastSeen(second, '8 days');
    assert.equal((await second.poll()).error, 'reinit-required');
    for (const page of [newcomer, first]) await lastSeen(page, '25 hours');
    const third = await Visitor.init(url, query(first));
    assert.notEqual(third.page.visitSessionId, first.page.visitSessionId, 'another visit');
    assert.equal(third.page.visitor.id, first.page.visitor.id);
    await third.send('hello', 'hello');
    await lastSeen(third, '3 days');
    assert.equal((await Visitor.init(url, query(third))).page.visitSessionId, third.page.visitSessionId, 'its chat is open');
  });
});
