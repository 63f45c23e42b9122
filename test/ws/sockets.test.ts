/** The WebSockets of visitors and operators: frames, acks, resume, close codes (docs/protocol). */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import WebSocket from 'ws';
import { eventually } from '../support/eventually.ts';
import { Operator } from '../support/operator.ts';
import { chatServer } from '../support/process.ts';
import { checkAnswer } from '../support/sdk/check.ts';
import { FIELDS_INI, signFields } from '../support/signed-fields.ts';
import { type SingleNode, startSingle } from '../support/single.ts';
import { Visitor } from '../support/visitor.ts';

interface Socket {
  readonly socket: WebSocket;
  readonly frames: Record<string, unknown>[];
  readonly closed: () => Promise<{ code: number; reason: string }>;
}

describe('WebSockets', () => {
  let single: SingleNode;
  let url: string;

  before(async () => {
    single = await startSingle({ logins: ['op', 'gone'], ini: FIELDS_INI });
    url = single.node.url;
  });

  after(() => single.stop());

  async function open(path: string): Promise<Socket> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}${path}`);
    const frames: Record<string, unknown>[] = [];
    const closed = new Promise<{ code: number; reason: string }>(resolve =>
      socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
    );
    socket.on('message', data => {
      const frame = JSON.parse((data as Buffer).toString()) as Record<string, unknown>;
      if (path.startsWith('/ws/v/') && !('id' in frame)) checkAnswer('/l/v/m/delta', {}, frame);
      frames.push(frame);
    });
    await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
    return { socket, frames, closed: () => closed };
  }

  const openVisitor = (visitor: Visitor, since?: string): Promise<Socket> =>
    open(`/ws/v/delta?${new URLSearchParams({ ...visitor.credentials, ...(since === undefined ? {} : { since }) }).toString()}`);

  test('a visitor resumes from init, is told where he stands, and gets deltas and acknowledgements', async () => {
    const visitor = await Visitor.init(url);
    const { socket, frames } = await openVisitor(visitor, visitor.since);
    await eventually(() => frames.length === 1);
    assert.deepEqual(frames[0]!['deltaList'], []);
    for (let i = 0; i < 20; i++)
      socket.send(JSON.stringify({ id: i, action: 'chat.message', 'client-side-id': `ws-${i}`, message: `word ${i}` }));
    await eventually(() => frames.filter(frame => frame['result'] === 'ok').length === 20);
    const texts = (): string[] =>
      frames
        .flatMap(frame => (frame['deltaList'] ?? []) as { objectType: string; data: { text: string } }[])
        .filter(delta => delta.objectType === 'CHAT_MESSAGE')
        .map(delta => delta.data.text);
    await eventually(() => texts().length === 20);
    assert.deepEqual(
      texts(),
      Array.from({ length: 20 }, (_, i) => `word ${i}`),
    );
    socket.send(JSON.stringify({ id: 'x', action: 'chat.message', 'client-side-id': 'y', message: ' ' }));
    await eventually(() => frames.some(frame => frame['id'] === 'x' && frame['error'] === 'message_empty'));

    // What was missed while away comes once, after the last revision; without since everything comes.
    const since = String(frames.filter(frame => frame['deltaList'] !== undefined && frame['revision'] !== undefined).at(-1)!['revision']);
    socket.terminate();
    await visitor.send('while away', 'away');
    const back = await openVisitor(visitor, since);
    await eventually(() => JSON.stringify(back.frames).includes('while away'));
    assert.ok(!JSON.stringify(back.frames).includes('word 19'));
    const fresh = await openVisitor(visitor);
    await eventually(() => fresh.frames.length >= 1);
    assert.equal((fresh.frames[0]!['fullUpdate'] as { chat: { messages: unknown[] } }).chat.messages.length, 21);
    back.socket.terminate();
    fresh.socket.terminate();
  });

  test('an action sent at once after the upgrade is not lost', async () => {
    const visitor = await Visitor.init(url);
    const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/v/delta?${new URLSearchParams({ ...visitor.credentials }).toString()}`);
    const answered = new Promise<void>(resolve =>
      socket.on('message', data => (data as Buffer).toString().startsWith('{"id":1') && resolve()),
    );
    socket.on('open', () => socket.send(JSON.stringify({ id: 1, action: 'chat.message', 'client-side-id': 'early', message: 'early' })));
    await answered;
    socket.terminate();
  });

  test('an operator resumes after a lost connection without losing a word', async () => {
    const operator = await Operator.login(url, 'op', 'correct horse');
    await operator.setStatus('online');
    await operator.connect();
    const visitor = await Visitor.init(url);
    await visitor.send('before', 'before');
    await eventually(() =>
      operator.deltas.some(delta => delta.objectType === 'CHAT' && (delta.data as { messages?: unknown } | null)?.messages !== undefined),
    );
    operator.close();
    await visitor.send('while away', 'away');
    await operator.connect(operator.since);
    await eventually(
      () =>
        operator.deltas.filter(delta => delta.objectType === 'CHAT_MESSAGE' && JSON.stringify(delta.data).includes('while away')).length ===
        1,
    );
    assert.equal(operator.fullUpdates.length, 1, 'no second full update');
    await operator.connect('17');
    await eventually(() => operator.fullUpdates.length === 2);
    operator.close();
  });

  test('close codes: not logged in, unknown page, no frame of this protocol, frame too large', async () => {
    assert.equal((await (await open('/ws/o/delta')).closed()).code, 4401);
    assert.equal((await (await open(`/ws/v/delta?page-id=${'f'.repeat(32)}&auth-token=${'f'.repeat(32)}`)).closed()).code, 4410);
    const visitor = await Visitor.init(url);
    for (const [frame, code] of [
      ['no JSON', 1003],
      ['{"id":1}', 1003],
      [Buffer.from([1, 2, 3]), 1003],
      ['x'.repeat(10 * 1_048_576 + 1), 1009],
    ] as const) {
      const { socket, closed } = await openVisitor(visitor);
      socket.send(frame);
      assert.equal((await closed()).code, code);
    }
  });

  test('a page that ends closes its sockets: 4410', async () => {
    const visitor = await Visitor.init(url, { 'device-id': 'watch' });
    await visitor.send('hello', 'watch-hello');
    const { closed } = await openVisitor(visitor);
    await Visitor.init(url, { 'device-id': 'watch', 'visitor-ext': JSON.stringify(signFields({ id: 'another' })) });
    assert.equal((await closed()).code, 4410);
  });

  test('logout ends that login everywhere, disabling ends all of them and says so', async () => {
    const one = await Operator.login(url, 'gone', 'correct horse');
    const two = await Operator.login(url, 'gone', 'correct horse');
    await one.connect();
    await two.connect();
    assert.equal((await one.post('/l/o/logout', {})).result, 'ok');
    await eventually(() => one.closed?.code === 4401);
    assert.equal(two.closed, undefined);
    assert.equal((await one.get('/l/o/me')).status, 401);
    assert.equal((await chatServer(['operator', 'disable', '--login', 'gone'], { cwd: single.folder.path })).code, 0);
    await eventually(() => two.closed?.code === 4403);
    assert.equal((await two.get('/l/o/me')).error, 'unauthorized');
    await assert.rejects(Operator.login(url, 'gone', 'correct horse'), /operator-disabled/);
  });

  test('a cookie of a foreign site opens nothing, the own site does', async () => {
    const login = await fetch(`${url}/l/o/login`, {
      method: 'POST',
      body: new URLSearchParams({ login: 'op', password: 'correct horse' }),
    });
    const cookie = login.headers.get('set-cookie')!.split(';')[0]!;
    assert.match(login.headers.get('set-cookie')!, /HttpOnly.*SameSite=Lax/);
    const dial = (origin: string): Promise<number> =>
      new Promise(resolve => {
        const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/o/delta`, { headers: { cookie, origin } });
        socket.on('close', code => resolve(code)).on('message', () => socket.close(1000));
      });
    assert.equal(await dial('https://evil.example'), 4401);
    assert.equal(await dial(url), 1000);
    const post = (origin: string) =>
      fetch(`${url}/l/o/set-status`, { method: 'POST', headers: { cookie, origin }, body: new URLSearchParams({ status: 'break' }) });
    assert.equal((await post('https://evil.example')).status, 403);
    assert.equal((await post(url)).status, 200);
  });

  test('draining tells clients when to come back, each at another time', async () => {
    const other = await startSingle();
    const operator = await Operator.login(other.node.url, 'op', 'correct horse');
    await operator.connect();
    assert.equal(await other.node.stop(), 0);
    assert.equal(operator.closed?.code, 4503);
    assert.ok((JSON.parse(operator.closed.reason) as { retryAfterMs: number }).retryAfterMs >= 0);
    await other.stop();
  });
});
