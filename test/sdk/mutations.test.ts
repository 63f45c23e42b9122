/** The test of the strict client: each fault that kills a published app must end it too, and none may do so without a fault. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { SLAVE, startCluster, type TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { startProxy } from '../support/faults/proxy.ts';
import type { JsonObject } from '../support/sdk/json.ts';
import { type Mutation, type PassingAnswer, startMutatingProxy } from '../support/sdk/mutating-proxy.ts';
import { SdkClient } from '../support/sdk/sdk-client.ts';
import type { SdkOptions } from '../support/sdk/sdk-core.ts';
import type { Platform } from '../support/sdk/wire.ts';

type Change = (data: Record<string, unknown>) => void;

/** Changes the full update of init. */
const inFullUpdate = (change: Change): Mutation => ({
  after(path, body) {
    if (path === '/l/v/m/init') change(body['fullUpdate'] as Record<string, unknown>);
  },
});

/** Changes items of one type in the answers to polls. */
const inDelta = (objectType: string, change: (item: Record<string, unknown>, data: Record<string, unknown>) => void): Mutation => ({
  after(path, body) {
    if (path !== '/l/v/m/delta') return;
    for (const item of (body['deltaList'] ?? []) as Record<string, unknown>[]) {
      if (item['objectType'] === objectType) change(item, item['data'] as Record<string, unknown>);
    }
  },
});

const inHistory = (change: Change): Mutation => ({
  after(path, body) {
    if (path === '/l/v/m/history') change(body['data'] as Record<string, unknown>);
  },
});

const instead = (path: string, status: number, body: string): Mutation => ({
  before: asked => (asked === path ? { status, body } : undefined),
});

const without =
  (key: string): Change =>
  data => {
    Reflect.deleteProperty(data, key);
  };

interface Case {
  readonly name: string;
  readonly mutation: Mutation;
  readonly ends: 'crash' | 'fatal';
  readonly why: RegExp;
  readonly options?: Partial<SdkOptions>;
}

const CASES: readonly Case[] = [
  {
    name: 'a full update without its visitor',
    mutation: inFullUpdate(without('visitor')),
    ends: 'crash',
    why: /fullUpdate\.visitor: .*nothing came/,
  },
  {
    name: 'a full update without a token',
    mutation: inFullUpdate(without('authToken')),
    ends: 'crash',
    why: /authToken/,
  },
  {
    name: 'a history revision as text in the full update',
    mutation: inFullUpdate(data => (data['historyRevision'] = String(data['historyRevision']))),
    ends: 'crash',
    why: /historyRevision: integer expected/,
  },
  {
    name: 'null instead of departments',
    mutation: inFullUpdate(data => (data['departments'] = null)),
    ends: 'crash',
    why: /departments: list expected/,
  },
  {
    name: 'revision 0 as the answer to init',
    mutation: { after: (path, body) => (path === '/l/v/m/init' ? { ...body, revision: '0' } : undefined) },
    ends: 'crash',
    why: /anything but 0/,
  },
  {
    name: 'revision 0 as the answer to a poll',
    mutation: { after: (path, body) => (path === '/l/v/m/delta' ? { ...body, revision: 0 } : undefined) },
    ends: 'crash',
    why: /anything but 0/,
  },
  {
    name: 'a revision with a fraction',
    mutation: { after: (path, body) => (path === '/l/v/m/init' ? { ...body, revision: 1.5 } : undefined) },
    ends: 'crash',
    why: /init\.revision/,
  },
  {
    name: 'init with deltas',
    mutation: {
      after: (path, body) =>
        path === '/l/v/m/init' ? { ...body, deltaList: [{ objectType: 'CHAT_STATE', event: 'upd', id: 'x', data: 'queue' }] } : undefined,
    },
    ends: 'fatal',
    why: /INCORRECT_SERVER_ANSWER/,
  },
  {
    name: '{} without end',
    mutation: instead('/l/v/m/delta', 200, '{}'),
    ends: 'crash',
    why: /without end/,
  },
  {
    name: 'an answer that is no JSON, without end, as iOS asks again at once',
    mutation: instead('/l/v/m/delta', 200, '<html></html>'),
    ends: 'crash',
    why: /without end/,
    options: { platform: 'ios' },
  },
  {
    name: 'pages that end as soon as they are opened',
    mutation: instead('/l/v/m/delta', 200, '{"error":"reinit-required"}'),
    ends: 'crash',
    why: /inits without end/,
  },
  { name: '504 to polls', mutation: instead('/l/v/m/delta', 504, '<html></html>'), ends: 'fatal', why: /HTTP 504 twice/ },
  {
    name: '503 to polls, whatever the body says',
    mutation: instead('/l/v/m/delta', 503, '{"error":"server-not-ready"}'),
    ends: 'fatal',
    why: /HTTP 503 twice/,
  },
  {
    name: 'server-not-ready as an answer, which iOS does not know',
    mutation: instead('/l/v/m/delta', 200, '{"error":"server-not-ready"}'),
    ends: 'fatal',
    why: /server-not-ready/,
    options: { platform: 'ios' },
  },
  { name: '400 to polls', mutation: instead('/l/v/m/delta', 400, ''), ends: 'fatal', why: /cannot-create-response/ },
  {
    name: 'an error that has no meaning for polls',
    mutation: instead('/l/v/m/delta', 200, '{"error":"no-chat"}'),
    ends: 'fatal',
    why: /no-chat/,
  },
  {
    name: 'a banned visitor, as 403',
    mutation: instead('/l/v/m/delta', 403, '{"error":"visitor_banned"}'),
    ends: 'fatal',
    why: /visitor_banned/,
  },
  {
    name: 'an error that chat.start does not handle',
    mutation: {
      after: (path, body) => (path === '/l/v/m/action' && body['result'] === 'ok' ? { error: 'chat-required' } : undefined),
    },
    ends: 'fatal',
    why: /chat-required to chat\.start/,
  },
  {
    name: 'an error to the history',
    mutation: instead('/l/v/m/history', 200, '{"error":"no-chat"}'),
    ends: 'fatal',
    why: /history: no-chat/,
  },
  {
    name: 'a poll that is held for too long',
    mutation: {},
    ends: 'crash',
    why: /not answered within 300 ms/,
    options: { pollTimeoutMs: 300 },
  },
  { name: 'configs that are a list', mutation: instead('/api/visitor/v1/configs/mobile', 200, '[]'), ends: 'crash', why: /configs/ },
  {
    name: 'rated operators and no word on chats in the configs',
    mutation: instead('/api/visitor/v1/configs/mobile', 200, '{"accountConfig":{"rate_operator":true},"locationSettings":{}}'),
    ends: 'crash',
    why: /locationSettings\.chat/,
  },
  {
    name: 'a chat with readByVisitor null',
    mutation: inDelta('CHAT', (_, data) => (data['readByVisitor'] = null)),
    ends: 'crash',
    why: /readByVisitor: true or false expected, null came/,
  },
  {
    name: 'a chat without operatorTyping',
    mutation: inDelta('CHAT', (_, data) => delete data['operatorTyping']),
    ends: 'crash',
    why: /operatorTyping/,
  },
  {
    name: 'a chat id as text',
    mutation: inDelta('CHAT', (_, data) => (data['id'] = String(data['id']))),
    ends: 'crash',
    why: /\.id: integer/,
  },
  {
    name: 'messages null in a chat',
    mutation: inDelta('CHAT', (_, data) => (data['messages'] = null)),
    ends: 'crash',
    why: /messages: list/,
  },
  {
    name: 'a state that Android reads as closed',
    mutation: inDelta('CHAT', (_, data) => (data['state'] = 'hold')),
    ends: 'crash',
    why: /state: queue/,
  },
  { name: 'a list instead of a chat', mutation: inDelta('CHAT', item => (item['data'] = [])), ends: 'crash', why: /object expected/ },
  { name: 'a delta id as number', mutation: inDelta('CHAT', item => (item['id'] = 7)), ends: 'crash', why: /\.id: text expected, 7 came/ },
  {
    name: 'an event of another name',
    mutation: inDelta('CHAT_MESSAGE', item => (item['event'] = 'new')),
    ends: 'crash',
    why: /add \| upd \| del/,
  },
  {
    name: 'a message without clientSideId',
    mutation: inDelta('CHAT_MESSAGE', (_, data) => delete data['clientSideId']),
    ends: 'crash',
    why: /clientSideId/,
  },
  {
    name: 'a message without name',
    mutation: inDelta('CHAT_MESSAGE', (_, data) => delete data['name']),
    ends: 'crash',
    why: /\.name: text expected/,
  },
  { name: 'a message with text null', mutation: inDelta('CHAT_MESSAGE', (_, data) => (data['text'] = null)), ends: 'crash', why: /\.text/ },
  {
    name: 'the time of a message as a fraction',
    mutation: inDelta('CHAT_MESSAGE', (_, data) => (data['ts_m'] = Number(data['ts_m']) / 1e6)),
    ends: 'crash',
    why: /ts_m: microseconds/,
  },
  {
    name: 'the time of a message in milliseconds',
    mutation: inDelta('CHAT_MESSAGE', (_, data) => (data['ts'] = Number(data['ts']) * 1e3)),
    ends: 'crash',
    why: /\.ts:/,
  },
  {
    name: 'two messages of one time',
    mutation: inDelta('CHAT_MESSAGE', (_, data) => (data['ts_m'] = Math.floor(Number(data['ts_m']) / 1e9) * 1e9)),
    ends: 'crash',
    why: /\.ts:|belongs to/,
  },
  {
    name: 'history with its revision as number',
    mutation: inHistory(data => (data['revision'] = Number(data['revision']))),
    ends: 'crash',
    why: /history\.data\.revision: text/,
  },
  { name: 'history without hasMore', mutation: inHistory(without('hasMore')), ends: 'crash', why: /hasMore/ },
  { name: 'history with messages null', mutation: inHistory(data => (data['messages'] = null)), ends: 'crash', why: /messages: list/ },
  { name: 'an error that is no text', mutation: instead('/l/v/m/history', 200, '{"error":true}'), ends: 'crash', why: /error: text/ },
];

/** What may happen and hurts nobody; some of it only Android survives. */
const HARMLESS: readonly { readonly name: string; readonly mutation: () => Mutation; readonly platforms?: readonly Platform[] }[] = [
  { name: 'nothing', mutation: () => ({}) },
  { name: '502 to every fourth request', mutation: () => everyFourth({ status: 502, body: '' }) },
  { name: '500 to the first request of each kind', mutation: () => firstOfEach({ status: 500, body: '' }), platforms: ['android'] },
  { name: '404 to every fourth request', mutation: () => everyFourth({ status: 404, body: '' }), platforms: ['android'] },
  { name: 'no JSON to every fourth request', mutation: () => everyFourth({ status: 200, body: '' }), platforms: ['android'] },
  {
    name: 'server-not-ready to every fourth request',
    mutation: () => everyFourth({ status: 200, body: '{"error":"server-not-ready"}' }),
    platforms: ['android'],
  },
  {
    name: 'deltas and members that no app knows',
    mutation: () => ({
      after: (path, body) => ({
        ...body,
        surprise: [1],
        ...(path === '/l/v/m/delta' && Array.isArray(body['deltaList'])
          ? { deltaList: [{ objectType: 'POLLING_PERIOD', event: 'upd', id: 'x', data: [2] }, ...(body['deltaList'] as JsonObject[])] }
          : {}),
      }),
    }),
  },
];

function everyFourth(answer: PassingAnswer): Mutation {
  let count = 0;
  return { before: () => (++count % 4 === 0 ? answer : undefined) };
}

function firstOfEach(answer: PassingAnswer): Mutation {
  const asked = new Set<string>();
  return { before: path => (asked.size < asked.add(path).size ? answer : undefined) };
}

describe('the strict client', () => {
  const cleanup = new Cleanup();
  const perTest = new Cleanup();
  let cluster: TestCluster;

  before(async () => {
    cluster = cleanup.add(await startCluster({ without: [SLAVE], broker: 'none', ini: 'poll_hold_seconds = 2\n' }), it => it.stop());
  });
  after(() => cleanup.run());
  afterEach(() => perTest.run());

  /** An app that says two words, through a proxy that changes answers. */
  async function speaking(mutation: Mutation, options: Partial<SdkOptions> = {}): Promise<SdkClient> {
    const proxy = perTest.add(await startMutatingProxy(cluster.master.url, mutation), it => it.close());
    const client = perTest.add(new SdkClient({ url: proxy.url, platform: 'android', timeScale: 0.005, ...options }), it => it.stop());
    client.start();
    client.send('first word');
    client.send('second word');
    return client;
  }

  for (const { name, mutation, ends, why, options } of CASES) {
    test(`ends (${ends}) of ${name}`, async () => {
      const client = await speaking(mutation, options);
      await eventually(() => client.crash !== undefined || client.fatal !== undefined);
      const { [ends]: reason, [ends === 'crash' ? 'fatal' : 'crash']: other } = client;
      assert.match(reason ?? '', why, `it ended otherwise: ${other ?? ''}`);
      await client.stop();
    });
  }

  for (const platform of ['android', 'ios'] as const) {
    for (const { name, mutation, platforms } of HARMLESS) {
      if (platforms?.includes(platform) === false) continue;
      test(`goes on (${platform}) with ${name}`, async () => {
        const client = await speaking(mutation(), { platform });
        await eventually(() => {
          assert.deepEqual([client.crash, client.fatal], [undefined, undefined]);
          return client.messages.filter(message => message.sendStatus === 'SENT').length === 2 && client.history.length === 2;
        });
        assert.deepEqual(
          client.messages.map(message => message.text),
          ['first word', 'second word'],
        );
      });
    }
  }

  test('an action that is told reinit-required while the poll is not stands still, and is noticed', async () => {
    const client = await speaking(instead('/l/v/m/action', 200, '{"error":"reinit-required"}'));
    await eventually(() => client.crash !== undefined, { within: 15_000 });
    assert.match(client.crash ?? '', /actions stand still/);
  });

  test('what is only answered ok stays SENDING', async () => {
    const client = await speaking(instead('/l/v/m/action', 200, '{"result":"ok"}'));
    await eventually(() => client.seen.filter(({ call }) => call.path === '/l/v/m/action').length === 3);
    assert.deepEqual(
      client.messages.map(message => message.sendStatus),
      ['SENDING', 'SENDING'],
    );
    assert.equal(client.crash ?? client.fatal, undefined);
  });

  test('what is refused is FAILED, and ends nothing', async () => {
    let actions = 0;
    const client = await speaking({
      before: path => (path === '/l/v/m/action' && ++actions > 1 ? { status: 200, body: '{"error":"visitor_banned"}' } : undefined),
    });
    await eventually(() => client.messages.length === 2 && client.messages.every(message => message.sendStatus === 'FAILED'));
    assert.equal(client.crash ?? client.fatal, undefined);
  });

  test('stop ends every request, wait and connection', async () => {
    const proxy = perTest.add(await startProxy({ host: '127.0.0.1', port: cluster.master.port }), it => it.close());
    const client = perTest.add(new SdkClient({ url: `http://127.0.0.1:${proxy.port}`, platform: 'android' }), it => it.stop());
    client.start();
    client.send('a word');
    client.typing('another');
    await eventually(() => client.messages.some(message => message.sendStatus === 'SENT'));
    await eventually(() => proxy.connections > 0);
    const started = performance.now();
    await client.stop();
    assert.ok(performance.now() - started < 2_000, 'a held poll is dropped');
    await eventually(() => proxy.connections === 0);
    const { length } = client.seen;
    assert.deepEqual(await client.action('chat.close'), { ok: false, error: 'stopped' }, 'nothing is asked any more');
    assert.equal(client.seen.length, length);
  });
});
