/**
 * What one visitor, or one machine, cannot take from others: places for connections and uploads, time of reads and searches. Through
 * a real node, each bound with its answer in the words of the protocol, and operators beside it.
 */
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import WebSocket from 'ws';
import { eventually } from '../support/eventually.ts';
import { Operator } from '../support/operator.ts';
import { type SingleNode, startSingle } from '../support/single.ts';
import { Visitor } from '../support/visitor.ts';

const PER_ADDRESS = 15;

interface Socket {
  readonly socket: WebSocket;
  closed: { readonly code: number; readonly reason: string } | undefined;
  frames: number;
}

describe('a flood of one', () => {
  let single: SingleNode;
  let url: string;
  const sockets: Socket[] = [];
  const raw: net.Socket[] = [];

  before(async () => {
    single = await startSingle({
      ini: `visitor_connections_per_address = ${PER_ADDRESS}\nmax_chats_per_operator = 100\nassignment_mode = manual\npoll_hold_seconds = 20\nupload_min_rate = 0\nvisitor_reads_per_second = 10`,
    });
    url = single.node.url;
  });

  after(async () => {
    for (const { socket } of sockets) socket.terminate();
    for (const socket of raw) socket.destroy();
    await single.stop();
  });

  async function open({ page }: Visitor, from?: string): Promise<Socket> {
    const query = new URLSearchParams({ 'page-id': page.pageId, 'auth-token': page.authToken }).toString();
    const headers = from === undefined ? {} : { 'x-forwarded-for': from };
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/ws/v/delta?${query}`, { headers });
    const opened: Socket = { socket, closed: undefined, frames: 0 };
    sockets.push(opened);
    socket.on('error', () => undefined);
    socket.on('message', () => (opened.frames += 1));
    socket.on('close', (code, reason) => (opened.closed = { code, reason: String(reason) }));
    await eventually(() => opened.frames > 0 || opened.closed !== undefined);
    return opened;
  }

  async function closeAll(): Promise<void> {
    for (const { socket } of sockets.splice(0)) socket.terminate();
    await eventually(async () => (await single.node.metric('ws_connections')) === 0);
  }

  test('a fourth WebSocket of a page ends the oldest, an eleventh of a visitor is refused, both 4429 with a time', async () => {
    const visitor = await Visitor.init(url);
    const ofPage = [await open(visitor), await open(visitor), await open(visitor), await open(visitor)];
    await eventually(() => ofPage[0]?.closed !== undefined);
    assert.deepEqual(
      ofPage.map(it => it.closed?.code),
      [4429, undefined, undefined, undefined],
    );
    assert.ok((JSON.parse(ofPage[0]?.closed?.reason ?? '{}') as { retryAfterMs: number }).retryAfterMs > 0);
    const again = async (i: number): Promise<Visitor> => {
      const page = await Visitor.init(url, { visitor: JSON.stringify(visitor.page.visitor), 'device-id': `d${i}` });
      assert.equal(page.page.visitor.id, visitor.page.visitor.id, 'the same visitor on another page');
      return page;
    };
    for (let i = 0; i < 7; i++) assert.equal((await open(await again(i))).closed, undefined);
    assert.equal((await open(await again(7))).closed?.code, 4429);
    await closeAll();
  });

  test('an address has its number of WebSockets, as its proxy tells it; others and operators are let in', async () => {
    for (let i = 0; i < PER_ADDRESS; i++) assert.equal((await open(await Visitor.init(url), '192.0.2.7')).closed, undefined);
    assert.equal((await open(await Visitor.init(url), '192.0.2.7')).closed?.code, 4429);
    assert.equal((await open(await Visitor.init(url), '::ffff:192.0.2.7')).closed?.code, 4429, 'written as IPv6');
    assert.equal(
      (await open(await Visitor.init(url), '10.0.0.1, 192.0.2.7')).closed?.code,
      4429,
      'what a client says of itself does not count',
    );
    assert.equal((await open(await Visitor.init(url), '192.0.2.8')).closed, undefined);
    assert.equal((await open(await Visitor.init(url), '2001:db8:1:2::1')).closed, undefined);
    const operator = await Operator.login(url, 'op', 'correct horse');
    await operator.connect();
    assert.equal(operator.closed, undefined);
    operator.close();
    await closeAll();
  });

  test('a fourth held poll of a page ends the oldest at once, one too many of an address is 502', async () => {
    const poll = async (visitor: Visitor, from: string): Promise<number> => {
      const query = new URLSearchParams({ ...visitor.credentials, since: visitor.since }).toString();
      return (await fetch(`${url}/l/v/m/delta?${query}`, { headers: { 'x-forwarded-for': from } })).status;
    };
    const visitor = await Visitor.init(url);
    const [oldest, ...others] = [1, 2, 3].map(() => poll(visitor, '192.0.2.9'));
    await eventually(async () => (await single.node.metric('hub_sessions')) === 3);
    const fourth = poll(visitor, '192.0.2.9');
    const first = await Promise.race([oldest, ...others]);
    assert.equal(first, 200, 'answered with nothing');
    await eventually(async () => (await single.node.metric('hub_sessions')) === 3);
    const more = await Promise.all(Array.from({ length: PER_ADDRESS - 3 }, () => Visitor.init(url)));
    const held = more.map(it => poll(it, '192.0.2.9'));
    await eventually(async () => (await single.node.metric('hub_sessions')) === PER_ADDRESS);
    assert.equal(await poll(await Visitor.init(url), '192.0.2.9'), 502);
    await Promise.allSettled([...others, fourth, ...held].map(it => Promise.race([it, new Promise(resolve => setImmediate(resolve))])));
  });

  test('compressed bodies are 415 in every form, for visitors and operators, bodies that say they are not are read', async () => {
    const operator = await Operator.login(url, 'op', 'correct horse');
    const visitor = await Visitor.init(url);
    const form = new URLSearchParams({
      action: 'chat.message',
      message: 'hello',
      'client-side-id': 'z-1',
      ...visitor.credentials,
    }).toString();
    const json = JSON.stringify({ action: 'chat.read', chatId: 1 });
    const authorization = `Bearer ${operator.token}`;
    for (const [encoding, pack] of [
      ['gzip', gzipSync],
      ['x-gzip', gzipSync],
      ['deflate', deflateSync],
      ['br', brotliCompressSync],
      ['zstd', (text: string) => Buffer.from(text)],
      ['gzip, br', gzipSync],
      ['GZIP', gzipSync],
    ] as const) {
      const headers = { 'content-encoding': encoding };
      const ofVisitor = await fetch(`${url}/l/v/m/action`, { method: 'POST', headers, body: pack(form) });
      assert.deepEqual([ofVisitor.status, await ofVisitor.json()], [415, { error: 'unsupported_encoding' }], encoding);
      const asOperator = { ...headers, authorization, 'content-type': 'application/json' };
      const ofOperator = await fetch(`${url}/l/o/action`, { method: 'POST', headers: asOperator, body: pack(json) });
      assert.deepEqual(
        [ofOperator.status, ((await ofOperator.json()) as { error: string }).error],
        [415, 'unsupported-encoding'],
        encoding,
      );
      const upload = await fetch(`${url}/l/v/m/upload`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'multipart/form-data; boundary=b' },
        body: pack('--b--'),
      });
      assert.equal(upload.status, 415, encoding);
    }
    const plain = await fetch(`${url}/l/v/m/action`, {
      method: 'POST',
      headers: { 'content-encoding': 'identity', 'content-type': 'application/x-www-form-urlencoded' },
      body: form,
    });
    assert.deepEqual(await plain.json(), { result: 'ok' });
  });

  /** An upload that stops inside its file; resolves with what it is answered, undefined while it is read. */
  function beginUpload(path: string, parts: Record<string, string>, headers: Record<string, string> = {}) {
    const socket = net.connect(single.node.port, '127.0.0.1').on('error', () => undefined);
    raw.push(socket);
    const lines = Object.entries({ Host: 'x', 'Content-Type': 'multipart/form-data; boundary=b', 'Content-Length': '1000000', ...headers });
    const fields = Object.entries(parts).map(
      ([name, value]) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
    );
    socket.write(
      `POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${fields.join('')}` +
        '--b\r\nContent-Disposition: form-data; name="webim_upload_file"; filename="a.txt"\r\n\r\nsome of it',
    );
    const upload: { answer: string; isClosed: boolean; readonly socket: net.Socket } = { answer: '', isClosed: false, socket };
    socket.on('data', data => (upload.answer += String(data)));
    socket.on('close', () => (upload.isClosed = true));
    return upload;
  }

  const reading = (kind = 'reading'): Promise<number | undefined> => single.node.metric(`uploads_${kind}`);

  test('uploads of unknown senders fill their few places only: known visitors and operators upload meanwhile', async () => {
    const path = '/l/v/m/upload';
    const from = (address: string) => ({ 'X-Forwarded-For': address });
    const unknown = Array.from({ length: 4 }, () => beginUpload(path, {}, from('192.0.2.20')));
    await eventually(() => unknown.filter(({ answer }) => answer.startsWith('HTTP/1.1 502')).length === 1);
    for (let i = 0; i < 30; i++) beginUpload(path, {}, from(`192.0.2.${100 + i}`));
    await eventually(async () => (await reading('unknown')) === 20);

    const visitor = await Visitor.init(url);
    const known = Array.from({ length: 4 }, (_, i) =>
      beginUpload(
        i % 2 === 0 ? `${path}?${new URLSearchParams(visitor.credentials).toString()}` : path,
        i % 2 === 0 ? {} : visitor.credentials,
        from('192.0.2.20'),
      ),
    );
    await eventually(() => known.filter(({ answer }) => answer.startsWith('HTTP/1.1 502')).length === 1);
    assert.equal(known.filter(({ answer }) => answer === '').length, 3, 'three of a visitor are read');

    const operator = await Operator.login(url, 'op', 'correct horse');
    await visitor.send('hello', 'm-1');
    const [row] = await single.database.query<{ id: number }>('select id from chat where visitor_id = $1', [visitor.page.visitor.id]);
    await operator.action('chat.take', { chatId: String(row?.id) });
    const form = new FormData();
    form.set('chatId', String(row?.id));
    form.set('clientSideId', 'file-1');
    form.set('webim_upload_file', new Blob(['a text']), 'a.txt');
    const sent = await fetch(`${url}/l/o/upload`, { method: 'POST', headers: { authorization: `Bearer ${operator.token}` }, body: form });
    assert.equal(sent.status, 200, await sent.text());
    for (const socket of raw.splice(0)) socket.destroy();
    await eventually(async () => (await reading()) === 0);
  });

  test('a wrong token is refused before the file is read, whether it comes in the query or in a part, and what follows is cut off', async () => {
    const wrong = { 'page-id': 'f'.repeat(32), 'auth-token': 'e'.repeat(32) };
    for (const upload of [
      beginUpload(`/l/v/m/upload?${new URLSearchParams(wrong).toString()}`, {}),
      beginUpload('/l/v/m/upload', wrong),
      beginUpload('/l/o/upload', { chatId: '1', clientSideId: 'x' }, { Authorization: 'Bearer wrong' }),
    ]) {
      await eventually(() => upload.answer.includes('\r\n\r\n'));
      assert.match(upload.answer, /reinit-required|unauthorized/);
      await eventually(() => upload.isClosed);
    }
    await eventually(async () => (await reading()) === 0);
  });

  test('one visitor searches once at a time, reads at his pace, and operators and others read meanwhile', async () => {
    const visitor = await Visitor.init(url);
    await visitor.send('a word to be found', 'w-1');
    const ask = (path: string, parameters: Record<string, string>): Promise<Response> =>
      fetch(`${url}${path}?${new URLSearchParams({ ...visitor.credentials, ...parameters }).toString()}`);
    const found = (await (await ask('/l/v/m/search-messages', { query: 'WORD' })).json()) as { data: { count: number; hasMore: boolean } };
    assert.deepEqual([found.data.count, found.data.hasMore], [1, false]);

    // Something holds the rows: the search takes as long as the server lets it.
    const lock = single.database.query('begin; lock table message in access exclusive mode; select pg_sleep(3); commit');
    await eventually(async () => (await ask('/l/v/m/info', {})).status !== 0);
    const started = performance.now();
    const [first, second] = await Promise.all([
      ask('/l/v/m/search-messages', { query: 'word' }),
      ask('/l/v/m/search-messages', { query: 'word' }),
    ]);
    const statuses = [first.status, second.status].sort((a, b) => a - b);
    assert.ok(statuses[1] === 502, `one of two at once is told to try later: ${statuses.join(', ')}`);
    assert.ok(performance.now() - started < 6_000);
    await lock;

    const reads = await Promise.all(Array.from({ length: 150 }, () => ask('/l/v/m/history', {})));
    const refused = reads.filter(({ status }) => status === 502).length;
    assert.ok(refused > 20 && refused < 140, `${refused} of 150 reads at once are told to try later`);
    const other = await Visitor.init(url);
    assert.equal((await fetch(`${url}/l/v/m/history?${new URLSearchParams(other.credentials).toString()}`)).status, 200);
    assert.ok((await single.node.metric('visitor_reads_slowed_total')) > 0);
  });

  test('data of a message is small; contacts, a keyboard and ten files in one message are not', async () => {
    const visitor = await Visitor.init(url);
    const say = (data: string, id: string) => visitor.action('chat.message', { message: 'x', 'client-side-id': id, data });
    assert.equal((await say(JSON.stringify('x'.repeat(10_001)), 'd-1')).error, 'wrong-argument-value');
    assert.equal((await say(JSON.stringify('x'.repeat(9_000)), 'd-2')).result, 'ok');
    const fields = Object.fromEntries(Array.from({ length: 18 }, (_, i) => [`field${i}`, 'y'.repeat(900)]));
    assert.equal((await visitor.action('chat.cont_resp', { 'visitor-fields': JSON.stringify(fields) })).result, 'ok');
    const operator = await Operator.login(url, 'op', 'correct horse');
    const [row] = await single.database.query<{ id: number }>('select id from chat where visitor_id = $1', [visitor.page.visitor.id]);
    const chatId = String(row?.id);
    await operator.action('chat.take', { chatId });
    const buttons = JSON.stringify([Array.from({ length: 100 }, (_, i) => ({ id: `${'i'.repeat(190)}${i}`, text: 't'.repeat(200) }))]);
    assert.equal((await operator.action('chat.keyboard', { chatId, clientSideId: 'k-1', message: 'choose', buttons })).result, 'ok');
    assert.equal(
      (await operator.action('chat.message', { chatId, clientSideId: 'k-2', message: 'x', data: JSON.stringify('x'.repeat(10_001)) }))
        .argumentName,
      'data',
    );
  });
});
