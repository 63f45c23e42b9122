/** Who comes and does nothing leaves nothing: no rows before the first action, and all the same when it comes. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import WebSocket from 'ws';
import { eventually } from '../support/eventually.ts';
import { Operator } from '../support/operator.ts';
import { FIELDS_INI, signFields } from '../support/signed-fields.ts';
import { type SingleNode, startSingle } from '../support/single.ts';
import { Visitor } from '../support/visitor.ts';

describe('a visitor who has done nothing', () => {
  let single: SingleNode;
  let url: string;

  before(async () => {
    single = await startSingle({ ini: `poll_hold_seconds = 1\nassignment_mode = manual\n${FIELDS_INI}` });
    url = single.node.url;
  });

  after(() => single.stop());

  const rows = async (): Promise<Record<string, number>> => {
    const [row] = await single.database.query<Record<string, number>>(
      `select (select count(*)::int from visitor) as visitor, (select count(*)::int from visit_session) as session, (select count(*)::int from page) as page`,
    );
    return row ?? {};
  };
  const rowsOf = async ({ page }: Visitor): Promise<unknown[]> => {
    const ids = [page.visitor.id, page.visitSessionId, page.pageId];
    const found = await single.database.query<{ found: unknown[] }>(
      'select array[(select count(*)::int from visitor where id = $1), (select count(*)::int from visit_session where id = $2 and visitor_id = $1), (select count(*)::int from page where id = $3 and visitor_id = $1 and visit_session_id = $2)] as found',
      ids,
    );
    return found[0]?.found ?? [];
  };
  const again = (visitor: Visitor, more: Record<string, string> = {}) =>
    Visitor.init(url, { visitor: JSON.stringify(visitor.page.visitor), 'visit-session-id': visitor.page.visitSessionId, ...more });

  test('has no rows, however often he comes and whatever he reads', async () => {
    const before = await rows();
    const visitor = await Visitor.init(url, { 'device-id': 'd', title: 'A page', url: 'https://shop.example.org/cups' });
    const read = async (): Promise<void> => {
      assert.deepEqual(await visitor.get('/l/v/m/history'), { result: 'ok', data: { revision: '0', hasMore: false, messages: [] } });
      assert.deepEqual(await visitor.get('/l/v/m/history', { since: '7' }), {
        result: 'ok',
        data: { revision: '7', hasMore: false, messages: [] },
      });
      assert.deepEqual(await visitor.get('/l/v/m/history', { 'before-ts': '7' }), { result: 'ok', data: { hasMore: false, messages: [] } });
      const found = (await visitor.get('/l/v/m/search-messages', { query: 'x' })) as unknown as { data: { count: number } };
      assert.equal(found.data.count, 0);
      assert.equal((await visitor.poll()).error, undefined);
      for (const action of ['chat.visitor_typing', 'widget.update', 'file_upload_progress'])
        assert.deepEqual(await visitor.action(action, { typing: 'true' }), { result: 'ok' });
    };
    await read();
    for (let i = 0; i < 5; i++) assert.equal((await again(visitor)).page.visitor.id, visitor.page.visitor.id);
    visitor.since = '1';
    await visitor.poll(); // a full update
    assert.equal(visitor.page.state, 'idle');
    await read();
    assert.deepEqual(await rows(), before);
  });

  const firsts: [string, (visitor: Visitor) => Promise<unknown>][] = [
    ['a message', visitor => visitor.send('hello', 'c')],
    ['a chat', visitor => visitor.action('chat.start', { 'client-side-id': 'c' })],
    ['a sticker', visitor => visitor.action('sticker', { 'client-side-id': 'c', 'sticker-id': '1' })],
    ['fields', visitor => visitor.action('chat.set_prechat_fields', { 'prechat-key-independent-fields': '{"name": "A"}' })],
    ['a push token', visitor => visitor.action('set_push_token', { 'push-token': 'token' })],
    ['an offline message', visitor => visitor.action('chat.offline_message', { text: 'hello', 'client-side-id': 'c' })],
  ];
  for (const [name, act] of firsts)
    test(`gets rows by ${name}, under the ids that he was told at first`, async () => {
      const visitor = await Visitor.init(url, { title: 'A page', url: 'https://shop.example.org/cups', location: 'shop' });
      assert.deepEqual(await rowsOf(visitor), [0, 0, 0]);
      const answer = await act(visitor);
      if (answer !== undefined) assert.deepEqual(answer, { result: 'ok' });
      assert.deepEqual(await rowsOf(visitor), [1, 1, 1]);
      const [page] = await single.database.query('select location, title, url from page where id = $1', [visitor.page.pageId]);
      assert.deepEqual({ ...page }, { location: 'shop', title: 'A page', url: 'https://shop.example.org/cups' });
      assert.equal((await again(visitor)).page.visitor.id, visitor.page.visitor.id);
    });

  test('gets rows by an upload, and by what an init brings with it', async () => {
    const visitor = await Visitor.init(url);
    const upload = new FormData();
    upload.set('webim_upload_file', new File(['text'], 'a.txt', { type: 'text/plain' }));
    for (const [name, value] of Object.entries({ ...visitor.credentials, 'client-side-id': 'f1' })) upload.set(name, value);
    assert.equal((await fetch(`${url}/l/v/m/upload`, { method: 'POST', body: upload })).status, 200);
    assert.deepEqual(await rowsOf(visitor), [1, 1, 1]);
    assert.deepEqual(await rowsOf(await Visitor.init(url, { 'push-service': 'fcm', 'push-token': 't' })), [1, 1, 1]);
    assert.deepEqual(await rowsOf(await Visitor.init(url, { 'prechat-key-independent-fields': '{"name": "A"}' })), [1, 1, 1]);
  });

  test('who writes on one page is seen on the others, with history and state', async () => {
    const visitor = await Visitor.init(url);
    const tab = await again(visitor);
    const idle = await again(visitor);
    await idle.get('/l/v/m/history');
    await tab.send('from a tab', 'c1');
    await visitor.poll();
    assert.ok(visitor.deltas.some(delta => delta.objectType === 'CHAT_MESSAGE'));
    await tab.action('chat.close');
    for (const other of [visitor, idle]) {
      const history = (await other.get('/l/v/m/history')) as unknown as { data: { messages: { text: string }[] } };
      assert.deepEqual(
        history.data.messages.map(({ text }) => text),
        ['from a tab'],
      );
      other.since = '1';
      await other.poll();
      assert.ok(other.page.historyRevision > 0);
    }
    await idle.send('and from another', 'c2');
    const [chat] = await single.database.query<{ count: number }>('select count(*)::int as count from message where visitor_id = $1', [
      visitor.page.visitor.id,
    ]);
    assert.equal(chat?.count, 2);
  });

  test('twenty messages at once over a WebSocket: one visitor, one page, all in order', async () => {
    const visitor = await Visitor.init(url);
    const socket = new WebSocket(
      `${url.replace('http', 'ws')}/ws/v/delta?${new URLSearchParams({ ...visitor.credentials, since: visitor.since }).toString()}`,
    );
    const answers: { id?: number; result?: string }[] = [];
    socket.on('message', data => answers.push(JSON.parse((data as Buffer).toString()) as object));
    await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
    for (let i = 0; i < 20; i++)
      socket.send(JSON.stringify({ id: i, action: 'chat.message', 'client-side-id': `m${i}`, message: `m${i}` }));
    await eventually(() => answers.filter(({ result }) => result === 'ok').length === 20);
    socket.terminate();
    const messages = await single.database.query<{ text: string }>('select text from message where visitor_id = $1 order by ts_us', [
      visitor.page.visitor.id,
    ]);
    assert.deepEqual(
      messages.map(({ text }) => text),
      Array.from({ length: 20 }, (_, i) => `m${i}`),
    );
    assert.deepEqual(await rowsOf(visitor), [1, 1, 1]);
  });

  test('a page id that was altered, or made up, is none: nothing is written for it', async () => {
    const visitor = await Visitor.init(url);
    const before = await rows();
    const { pageId, authToken } = visitor.page;
    const [random, said] = [pageId.slice(0, 32), pageId.slice(33)];
    const facts = JSON.parse(Buffer.from(said, 'base64url').toString()) as unknown[];
    const other = Buffer.from(JSON.stringify(['0'.repeat(32), ...facts.slice(1)])).toString('base64url');
    const pages = [
      `${random}x${other}`,
      `${'0'.repeat(32)}x${said}`,
      `${pageId}A`,
      pageId.slice(0, -1),
      random,
      `${random}x`,
      `${random}x${'A'.repeat(1_900)}`,
      pageId.repeat(10),
    ];
    for (const id of pages)
      for (const token of [authToken, random, '']) {
        const answer = await fetch(`${url}/l/v/m/action`, {
          method: 'POST',
          body: new URLSearchParams({ 'page-id': id, 'auth-token': token, action: 'chat.message', message: 'x', 'client-side-id': 'c' }),
        });
        const { error } = (await answer.json()) as { error?: string };
        assert.ok(error === 'reinit-required' || (id.length > 2_000 && error === 'wrong-argument-value'), `${id} ${error}`);
      }
    assert.deepEqual(await rows(), before);
  });

  test('a page that has got rows and was ended stays ended, a banned visitor stays out on all pages', async () => {
    const visitor = await Visitor.init(url, { 'device-id': 'one' });
    await visitor.send('hello', 'c1');
    await Visitor.init(url, { 'device-id': 'one', 'visitor-ext': JSON.stringify(signFields({ id: 'another' })) });
    assert.equal((await visitor.poll()).error, 'reinit-required');

    const banned = await Visitor.init(url);
    const idle = await again(banned);
    await banned.send('bad words', 'c1');
    await single.database.query(`update operator set roles = '["operator", "supervisor"]'`);
    const operator = await Operator.login(url, 'op', 'correct horse');
    await operator.connect();
    const [chat] = await single.database.query<{ id: string }>('select id::text from chat where visitor_id = $1', [banned.page.visitor.id]);
    assert.equal((await operator.action('chat.take', { chatId: chat?.id ?? '' })).result, 'ok');
    assert.equal((await operator.action('visitor.ban', { visitorId: banned.page.visitor.id, reason: 'x' })).result, 'ok');
    for (const page of [banned, idle])
      assert.equal((await page.action('chat.message', { message: 'x', 'client-side-id': 'c9' })).error, 'visitor_banned');
    operator.close();
  });

  test('who was forgotten goes on as the same visitor, and gets rows again when he acts', async () => {
    const visitor = await Visitor.init(url);
    await visitor.action('chat.set_prechat_fields', { 'prechat-key-independent-fields': '{"name": "A"}' });
    const { id } = visitor.page.visitor;
    for (const table of ['page', 'visit_session']) await single.database.query(`delete from ${table} where visitor_id = $1`, [id]);
    await single.database.query('delete from visitor where id = $1', [id]);
    const back = await again(visitor);
    assert.equal(back.page.visitor.id, id);
    assert.deepEqual(await rowsOf(back), [0, 0, 0]);
    await back.send('here again', 'c1');
    assert.deepEqual(await rowsOf(back), [1, 1, 1]);
  });
});

describe('new visitors and chats from one address', () => {
  test('are paced: too many are told to try later, others are not held up', async () => {
    const single = await startSingle({
      ini: 'poll_hold_seconds = 1\nassignment_mode = manual\nvisitor_inits_per_second = 1\nvisitor_chats_per_minute = 5',
    });
    const { url } = single.node;
    const from = (address: string, path = '/l/v/m/init?event=init', body?: URLSearchParams) =>
      fetch(`${url}${path}`, { headers: { 'x-forwarded-for': address }, ...(body === undefined ? {} : { method: 'POST', body }) });
    try {
      const statuses = await Promise.all(
        Array.from({ length: 30 }, (_, i) => from(`2001:db8:1:2::${i + 1}`).then(answer => answer.status)),
      );
      const refused = statuses.filter(status => status === 502).length;
      assert.ok(refused >= 15 && refused < 30, `${refused} of 30 were told to try later`);
      assert.deepEqual(new Set(statuses), new Set([200, 502]));
      assert.ok((await single.node.metric('address_refused_total{what="init"}')) >= 15);
      assert.equal((await from('2001:db8:1:3::1')).status, 200, 'another network');
      assert.equal((await from('192.0.2.1, 2001:db8:1:4::1')).status, 200, 'the last proxy is believed, not what the client says');

      const visitor = await Visitor.init(url);
      for (let i = 0; i < 10; i++)
        assert.equal((await Visitor.init(url, { visitor: JSON.stringify(visitor.page.visitor) })).page.visitor.id, visitor.page.visitor.id);
      // The node has heard of what it has committed itself.
      await visitor.send('first', 'c1');
      await eventually(async () => {
        await visitor.poll();
        return visitor.deltas.some(delta => delta.objectType === 'CHAT');
      });
      const begins = async (address: string): Promise<number> => {
        const answer = await from('192.0.2.9');
        assert.equal(answer.status, 200);
        const { fullUpdate } = (await answer.json()) as { fullUpdate: { pageId: string; authToken: string } };
        const body = {
          'page-id': fullUpdate.pageId,
          'auth-token': fullUpdate.authToken,
          action: 'chat.message',
          message: 'x',
          'client-side-id': 'c',
        };
        const sent = await from(address, '/l/v/m/action', new URLSearchParams(body));
        if (sent.status === 200) {
          const more = await from(address, '/l/v/m/action', new URLSearchParams({ ...body, 'client-side-id': 'c2' }));
          assert.equal(more.status, 200, 'what is said in a chat that is open is not counted');
        }
        return sent.status;
      };
      const begun: number[] = [];
      for (let i = 0; i < 8; i++) begun.push(await begins('192.0.2.3'));
      assert.deepEqual(begun, [200, 200, 200, 200, 200, 502, 502, 502]);
      assert.equal(await begins('192.0.2.4'), 200);
      const [row] = await single.database.query<{ count: number }>('select count(*)::int as count from visitor');
      assert.equal(row?.count, 7, 'who was refused has left no rows');
    } finally {
      await single.stop();
    }
  });
});
