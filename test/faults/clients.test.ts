/** Clients that vanish, storm, read slowly, send twice or mean harm; and a slave that dies or hangs under them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { afterEach, describe, test, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Cleanup } from '../support/cleanup.ts';
import { MASTER, PASSWORD, SLAVE, startCluster, type TestCluster } from '../support/cluster.ts';
import { Crowd, percentile } from '../support/crowd.ts';
import { eventually } from '../support/eventually.ts';
import { lasting } from '../support/faults/durations.ts';
import { startProxy } from '../support/faults/proxy.ts';
import { blockEventLoop, INSPECTED } from '../support/inspector.ts';
import { assertInvariants } from '../support/invariants.ts';
import { startNginx } from '../support/nginx.ts';
import { Operator } from '../support/operator.ts';
import { assertHeard, sendSurely, SteadyOperator } from '../support/surely.ts';
import { Visitor } from '../support/visitor.ts';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

async function start(options: Parameters<typeof startCluster>[0] = {}): Promise<TestCluster> {
  return cleanup.add(await startCluster(options), it => it.stop());
}

async function nginxOf(cluster: TestCluster) {
  return cleanup.add(await startNginx({ nodes: { 8260: cluster.master.port, 8261: cluster.slave.port } }), it => it.stop());
}

async function steadyAt(url: string, login = 'op1'): Promise<SteadyOperator> {
  return cleanup.add(await SteadyOperator.start(url, login), it => it.stop());
}

/** p99 of a visitor's message to his operator, in ms. */
async function latency(visitor: Visitor, steady: SteadyOperator, name: string, count: number): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const text = `${name} ${i}`;
    const started = performance.now();
    await sendSurely(visitor, text, text.replaceAll(' ', '-'));
    await eventually(() => steady.hasHeard(text), { every: 1, within: 10_000 });
    times.push(performance.now() - started);
  }
  return percentile(times, 0.99);
}

describe('faults around clients:', () => {
  test('f25 a slave killed with many sessions: Nginx goes to the other node, clients go on with their since', async t => {
    const cluster = await start();
    const nginx = await nginxOf(cluster);
    const steady = await steadyAt(nginx.url);
    const visitor = await Visitor.init(nginx.url);
    await sendSurely(visitor, 'f25 before', 'f25-before');
    await eventually(() => steady.texts.length === 1);
    const headers = { authorization: `Bearer ${steady.operator.token}` };
    const count = lasting(300, 5_000);
    const crowd = new Crowd(Array.from({ length: count }, () => ({ url: `${nginx.url.replace('http', 'ws')}/ws/o/delta`, headers })));
    cleanup.add(crowd, it => it.stop());
    crowd.connectAll();
    await eventually(() => crowd.connected === count, { within: 60_000 });
    const fullUpdates = crowd.fullUpdates;
    crowd.waitsMs.length = 0;
    await cluster.slave.kill();
    const killed = performance.now();
    await eventually(() => crowd.waitsMs.length === count, { within: 60_000 });
    t.diagnostic(`${count} sessions back after ${Math.round(performance.now() - killed)} ms, p50 ${percentile(crowd.waitsMs, 0.5)} ms`);
    assert.ok((crowd.waitsMs[0] ?? Infinity) <= 2_000, 'the first within 2 s');
    assert.equal(crowd.fullUpdates, fullUpdates, 'from memory, not anew');
    await sendSurely(visitor, 'f25 after', 'f25-after');
    await assertHeard(steady, ['f25 before', 'f25 after']);
    await eventually(
      async () => {
        const { cluster: nodes } = (await cluster.master.status()) as unknown as { cluster: { node: string; state: string }[] };
        return nodes.find(({ node }) => node === SLAVE)?.state === 'dead';
      },
      { within: 15_000 },
    );
    await assertInvariants(cluster.database);
  });

  test('f34 two operators take a chat at once on two nodes: one wins, the other is told who and quickly', async () => {
    const cluster = await start({ operators: 2 });
    const [left, right] = [
      await Operator.login(cluster.master.url, 'op1', PASSWORD),
      await Operator.login(cluster.slave.url, 'op2', PASSWORD),
    ];
    for (let i = 0; i < 10; i++) {
      const visitor = await Visitor.init(cluster.master.url);
      await sendSurely(visitor, `f34 ${i}`, `f34-${i}`);
      const [chat] = await cluster.database.query<{ id: string }>('select id from chat order by id desc limit 1');
      const chatId = String(chat?.id);
      const started = performance.now();
      const answers = await Promise.all([left.action('chat.take', { chatId }), right.action('chat.take', { chatId })]);
      assert.ok(performance.now() - started <= 100 * 3, 'quickly, also on a busy machine');
      const [winner, loser] = answers.toSorted((a, b) => a.status - b.status);
      assert.deepEqual([winner?.status, loser?.status, loser?.error], [200, 409, 'chat-already-taken'], JSON.stringify(answers));
      const taken = answers.indexOf(winner as never) === 0 ? 'Operator op1' : 'Operator op2';
      assert.equal((loser?.data as unknown as { fullname: string }).fullname, taken);
      await left.action('chat.close', { chatId });
      await right.action('chat.close', { chatId });
    }
    await assertInvariants(cluster.database);
  });

  test('f39 the same client id on two nodes at once: one message, one delivery, the same answer', async () => {
    const cluster = await start();
    const steady = await steadyAt(cluster.slave.url);
    const visitor = await Visitor.init(cluster.master.url);
    const said: string[] = [];
    for (let i = 0; i < 30; i++) {
      const body = { action: 'chat.message', message: `f39 ${i}`, 'client-side-id': `f39-${i}`, ...visitor.credentials };
      const post = (url: string) => fetch(`${url}/l/v/m/action`, { method: 'POST', body: new URLSearchParams(body) }).then(r => r.json());
      const answers = await Promise.all([post(cluster.master.url), post(cluster.slave.url), post(cluster.master.url)]);
      assert.deepEqual(answers, Array(3).fill({ result: 'ok' }));
      said.push(`f39 ${i}`);
    }
    await assertHeard(steady, said);
    const [chat] = await cluster.database.query<{ id: string }>('select id from chat');
    const parameters = { chatId: String(chat?.id), message: 'answer', clientSideId: 'a-1' };
    const elsewhere = steady.operator.at(cluster.master.url);
    const [here, there] = await Promise.all([
      steady.operator.action('chat.message', parameters),
      elsewhere.action('chat.message', parameters),
    ]);
    assert.deepEqual([here.result, here.data], [there.result, there.data]);
    await assertInvariants(cluster.database);
  });

  test('f45 sessions on the wrong node are served all the same', async () => {
    const cluster = await start();
    const steady = await steadyAt(cluster.master.url); // Nginx would say slave
    const visitor = await Visitor.init(cluster.slave.url); // and master
    await sendSurely(visitor, 'f45 wrong', 'f45-wrong');
    await assertHeard(steady, ['f45 wrong']);
    for (const node of [cluster.master, cluster.slave]) {
      const operator = steady.operator.at(node.url);
      assert.equal((await operator.post('/l/o/set-status', { status: 'online' })).status, 200);
      assert.equal((await operator.get('/l/o/delta?since=0')).status, 200);
      assert.deepEqual(Object.keys((await visitor.get('/l/v/m/history', { since: '0' })) as object).includes('error'), false);
    }
  });

  test('f51 an abusive visitor is slowed, then told to try later; sizes, encodings and slow senders are bounded; others hardly notice', async t => {
    const cluster = await start({ ini: 'visitor_actions_per_second = 10\n', without: [SLAVE] });
    const { url, port } = cluster.master;
    const steady = await steadyAt(url);
    const abuser = await Visitor.init(url);

    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, i) => abuser.action('chat.visitor_typing', { typing: String(i % 2 === 0) })),
    );
    const ok = answers.filter(answer => answer.result === 'ok').length;
    assert.ok(ok >= 50 && ok <= 80, `${ok} of 300 at once: the burst and what could wait 2 s`);
    assert.ok(answers.every(answer => answer.result === 'ok' || answer.error === 'server-not-ready'));
    assert.ok((await cluster.master.metric('visitor_actions_slowed_total')) > 0);
    assert.ok((await cluster.master.metric('admission_refused_total{what="action"}')) >= 200);

    const post = (body: string | Uint8Array, type = 'application/x-www-form-urlencoded') =>
      fetch(`${url}/l/v/m/action`, { method: 'POST', body, headers: { 'content-type': type } });
    assert.equal((await post('a='.padEnd(10_000_000, 'x'))).status, 413);
    assert.equal(
      ((await (await post(new Uint8Array([0x61, 0x3d, 0xff, 0xfe]))).json()) as { error: string }).error,
      'wrong-argument-value',
    );
    const deep = `{"action":"chat.message","data":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    assert.deepEqual(await (await post(deep, 'application/json')).json(), { error: 'wrong-argument-value', argumentName: 'body' });

    const slow = [
      'GET /l/v/m/delta HTTP/1.1\r\nHost: x\r\nX-Slow: ',
      'POST /l/v/m/action HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\na=',
    ].map(
      head =>
        new Promise<number>(resolve => {
          const started = performance.now();
          const socket = net.connect(port, '127.0.0.1', () => socket.write(head));
          const drip = setInterval(() => socket.write('a'), 1_000);
          socket.on('error', () => undefined).resume();
          socket.once('close', () => {
            clearInterval(drip);
            resolve(performance.now() - started);
          });
        }),
    );

    const rounds = { calm: [] as number[], abused: [] as number[] };
    for (let round = 0; round < 3; round++) {
      for (const kind of ['calm', 'abused'] as const) {
        const good = await Visitor.init(url);
        const abuseOf = { goesOn: kind === 'abused' };
        const abuse = (async () => {
          while (abuseOf.goesOn) {
            await Promise.all(
              Array.from({ length: 10 }, () => abuser.action('chat.message', { message: 'x', 'client-side-id': `x-${Math.random()}` })),
            );
            await wait(10);
          }
        })();
        await wait(200);
        rounds[kind].push(await latency(good, steady, `f51 ${kind} ${round}`, 40));
        abuseOf.goesOn = false;
        await abuse;
      }
    }
    const [calm, abused] = [percentile(rounds.calm, 0.5), percentile(rounds.abused, 0.5)];
    t.diagnostic(`p99 of another visitor's messages: ${calm} ms calm, ${abused} ms abused (medians of 3)`);
    assert.ok(abused <= calm * 1.5 + 20, 'at most half as much again, and a few ticks of a machine that is the abuser’s, too');

    const [headers, body] = await Promise.all(slow);
    t.diagnostic(`slow headers cut after ${Math.round((headers ?? 0) / 1000)} s, a slow body after ${Math.round((body ?? 0) / 1000)} s`);
    assert.ok((headers ?? Infinity) <= 14_000 && (body ?? Infinity) <= 20_000);
    await eventually(async () => assert.equal(await cluster.master.metric('http_bodies_bytes'), 0, 'all is accounted for'));
    assert.equal(await cluster.master.metric('http_bodies_refused_total{why="slow"}'), 1);
    assert.equal(await cluster.master.metric('http_bodies_refused_total{why="too-large"}'), 1);
    assert.equal((await cluster.master.status()).state, 'running');
  });
});

/** Both mostly wait: together they take as long as the longer one. */
describe('what is noticed only after a while:', { concurrency: true }, () => {
  async function startFor(t: TestContext, options: Parameters<typeof startCluster>[0] = {}): Promise<TestCluster> {
    const cluster = await startCluster(options);
    t.after(() => cluster.stop());
    return cluster;
  }

  test('f26 a slave whose event loop stands still: unready when it is back, ended by its watchdog when it is not', async t => {
    const cluster = await startFor(t, { env: name => (name === SLAVE ? INSPECTED : {}) });
    await blockEventLoop(cluster.slave, 6_500);
    await eventually(async () => (await fetch(`${cluster.slave.url}/readyz`)).status === 503, { every: 5 });
    await eventually(async () => (await fetch(`${cluster.slave.url}/readyz`)).status === 200, { within: 10_000 });
    assert.equal(await cluster.slave.metric('event_loop_blocked_total'), 1);
    const started = performance.now();
    await blockEventLoop(cluster.slave, 60_000);
    await eventually(() => cluster.slave.child.signalCode === 'SIGKILL', { within: 5_000 });
    const seconds = (performance.now() - started) / 1000;
    assert.ok(seconds >= 14 && seconds <= 20, `ended after ${seconds} s`);
    assert.equal(cluster.slave.events('event-loop-blocked').length, 1);
  });

  test('f27 a client whose packets vanish is noticed within 35 s; when it comes back nothing is lost', async t => {
    const cluster = await startFor(t);
    const proxy = await startProxy({ host: '127.0.0.1', port: cluster.slave.port });
    t.after(() => proxy.close());
    const steady = await SteadyOperator.start(`http://127.0.0.1:${proxy.port}`, 'op1');
    t.after(() => steady.stop());
    const visitor = await Visitor.init(cluster.master.url);
    await sendSurely(visitor, 'f27 before', 'f27-before');
    await eventually(() => steady.texts.length === 1);
    proxy.freeze();
    const frozen = performance.now();
    await sendSurely(visitor, 'f27 meanwhile', 'f27-meanwhile');
    await eventually(async () => (await cluster.slave.metric('ws_connections')) === 0, { within: 36_000, every: 100 });
    t.diagnostic(`noticed after ${Math.round((performance.now() - frozen) / 1000)} s`);
    const [operator] = await cluster.database.query<{ status: string }>('select status from operator');
    assert.equal(operator?.status, 'online', 'not offline at once');
    proxy.cut();
    proxy.thaw();
    await assertHeard(steady, ['f27 before', 'f27 meanwhile']);
  });
});

describe('nodes and their neighbours:', () => {
  test('f47 nodes depend on no way to each other: none has a connection to another', async () => {
    const cluster = await start({ names: [MASTER, SLAVE, 'chat-slave-2'] });
    const steady = await steadyAt(cluster.slave.url);
    const visitor = await Visitor.init(cluster.node('chat-slave-2').url);
    await sendSurely(visitor, 'f47', 'f47');
    await assertHeard(steady, ['f47']);
    const names = [MASTER, SLAVE, 'chat-slave-2'];
    const ports = names.map(name => cluster.node(name).port);
    // Sockets of each node by the kernel's table: whom it has called, and on which of its own ports it was called.
    const table = readFileSync('/proc/net/tcp', 'utf8')
      .split('\n')
      .slice(1, -1)
      .map(line => line.trim().split(/\s+/));
    for (const name of names) {
      const { pid } = cluster.node(name);
      const own = new Set(inodesOf(pid));
      const called = table.filter(row => row[3] === '01' && own.has(row[9] ?? '')).map(row => parseInt(row[2]?.split(':')[1] ?? '', 16));
      assert.ok(called.length > 0);
      assert.deepEqual(
        called.filter(port => ports.includes(port)),
        [],
        `${name} has called another node`,
      );
    }
  });
});

function inodesOf(pid: number): string[] {
  const { readdirSync, readlinkSync } = process.getBuiltinModule('node:fs');
  return readdirSync(`/proc/${pid}/fd`).flatMap(fd => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
    } catch {
      return [];
    }
  });
}

describe('a slow reader:', () => {
  test('f31 an operator’s connection at 1 KB/s is closed and resumes; memory stays flat and others do not wait', async t => {
    const cluster = await start({ operators: 2, ini: 'max_chats_per_operator = 1\n', without: [SLAVE] });
    const { url, port } = cluster.master;
    const proxy = cleanup.add(await startProxy({ host: '127.0.0.1', port }), it => it.close());
    const slow = await steadyAt(`http://127.0.0.1:${proxy.port}`, 'op1');
    const loud = await Visitor.init(url);
    await sendSurely(loud, 'f31 first', 'f31-first');
    await eventually(() => slow.texts.length === 1);
    const steady = await steadyAt(url, 'op2');
    const other = await Visitor.init(url);
    await sendSurely(other, 'f31 other', 'f31-other');
    await eventually(() => steady.texts.length === 1);

    const calm = await latency(other, steady, 'f31 calm', 50);
    proxy.throttle(1_000);
    const before = cluster.master.rss();
    const said = ['f31 first'];
    const flow = { closed: 0 };
    const flood = (async () => {
      // What TCP itself buffers must be filled before the node can notice anything.
      for (let i = 0; flow.closed === 0 && i < 2_000; i++) {
        const text = `f31 ${i} ${'x'.repeat(30_000)}`;
        await sendSurely(loud, text, `f31-${i}`);
        said.push(text);
        flow.closed = await cluster.master.metric('ws_closed_total{code="4408"}').then(value => (Number.isNaN(value) ? 0 : value));
        const cut = await cluster.master.metric('ws_closed_total{code="1006"}').then(value => (Number.isNaN(value) ? 0 : value));
        flow.closed += cut;
      }
    })();
    const flooded = await latency(other, steady, 'f31 flooded', 50);
    await flood;
    assert.ok(flow.closed >= 1, 'too slow: closed');
    const grown = cluster.master.rss() - before;
    t.diagnostic(
      `closed after ${said.length} messages of 30 KB; RSS +${Math.round(grown)} MiB; p99 of others ${calm} ms calm, ${flooded} ms flooded`,
    );
    assert.ok(grown < 150, `RSS grew by ${grown} MiB`);
    proxy.throttle(undefined);
    proxy.cut();
    await eventually(() => slow.texts.at(-1)?.slice(0, 12) === said.at(-1)?.slice(0, 12), { within: 30_000 });
    assert.equal(slow.doubled, 0);
  });
});
