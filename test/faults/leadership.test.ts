/** The master dies, hangs, is cut off or is stopped: another node leads, and nobody writes with an old token. */
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { type ClusterOptions, MASTER, SLAVE, startCluster, type TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { lasting } from '../support/faults/durations.ts';
import { assertInvariants } from '../support/invariants.ts';
import { chatServer } from '../support/process.ts';
import { sendSurely, SteadyOperator } from '../support/surely.ts';
import { Visitor } from '../support/visitor.ts';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

async function start(options: ClusterOptions = {}): Promise<TestCluster> {
  const cluster = cleanup.add(await startCluster(options), it => it.stop());
  await eventually(async () => (await cluster.leader()) === MASTER, { within: 15_000 });
  return cluster;
}

async function operatorAt(cluster: TestCluster, name: string): Promise<SteadyOperator> {
  return cleanup.add(await SteadyOperator.start(cluster.node(name).url, 'op1'), it => it.stop());
}

/** A visitor at a node, with a chat that waits. */
async function visitorAt(cluster: TestCluster, name: string, text: string): Promise<Visitor> {
  const visitor = await Visitor.init(cluster.node(name).url);
  await sendSurely(visitor, text, text.replaceAll(' ', '-'));
  return visitor;
}

async function chatOf(cluster: TestCluster, visitor: Visitor): Promise<{ assigned_operator_id: number | null; messages: number }> {
  const [chat] = await cluster.database.query<{ assigned_operator_id: number | null; messages: number }>(
    'select assigned_operator_id, message_count as messages from chat where visitor_id = $1',
    [visitor.page.visitor.id],
  );
  assert.ok(chat !== undefined);
  return chat;
}

async function assignedWithin(cluster: TestCluster, visitor: Visitor, within: number): Promise<void> {
  await eventually(async () => (await chatOf(cluster, visitor)).assigned_operator_id !== null, { within });
}

const ms = (from: string, to: string): number => Date.parse(to) - Date.parse(from);

describe('faults of the master:', () => {
  test('f01 a master killed between picking an operator and committing: the chat is assigned once, by the next one', async () => {
    const cluster = await start({ proxied: true });
    const steady = await operatorAt(cluster, SLAVE);
    // Only an assignment carries a lease's token: append_changes(…, <token>); the session's end in null.
    const picked = cluster.network(MASTER).db.holdFrom('up', chunk => chunk.includes('"assigned"'));
    const visitor = await visitorAt(cluster, SLAVE, 'hello 1');
    await picked;
    await cluster.master.kill();
    const killed = performance.now();
    await eventually(async () => (await cluster.leader()) === SLAVE, { within: 6_000 });
    assert.ok(performance.now() - killed <= 5_000, `a new master after ${performance.now() - killed} ms`);
    await assignedWithin(cluster, visitor, 1_000);
    const log = await cluster.database.query<{ changes: string }>(
      `select changes from change_log where changes like '%"move":"assigned"%'`,
    );
    assert.equal(log.length, 1, 'assigned once');
    assert.equal((await chatOf(cluster, visitor)).messages, 1, 'the visitor sees nothing twice');
    assert.deepEqual(steady.texts, ['hello 1']);
    assert.equal(await cluster.slave.metric('leader_changes_total{reason="crash"}'), 1);
    await assertInvariants(cluster.database);
  });

  test('f02 a master killed after the commit and before the publish: the others read the log, once', async () => {
    const cluster = await start({ proxied: true });
    cluster.network(MASTER).mq?.freeze();
    const steady = await operatorAt(cluster, SLAVE);
    const visitor = await visitorAt(cluster, MASTER, 'hello 2');
    await assignedWithin(cluster, visitor, 2_000);
    const committed = performance.now();
    await cluster.master.kill();
    await eventually(() => steady.texts.includes('hello 2'), { within: 3_000 });
    assert.ok(performance.now() - committed <= 1_500, `told after ${performance.now() - committed} ms`);
    assert.equal(steady.doubled, 0);
    await assertInvariants(cluster.database);
  });

  test('f03 a master stopped in order hands the lease over within 500 ms', async () => {
    const cluster = await start();
    const steady = await operatorAt(cluster, SLAVE);
    assert.equal(await cluster.master.stop(), 0);
    const [handed] = cluster.master.events('lease-handed-over');
    const [held] = await eventually(() => {
      const events = cluster.slave.events('lease-held');
      return events.length > 0 && events;
    });
    assert.ok(handed !== undefined && held !== undefined);
    assert.ok(ms(handed.time, held.time) <= 500, `the gap was ${ms(handed.time, held.time)} ms`);
    assert.equal(await cluster.slave.metric('leader_changes_total{reason="planned"}'), 1);
    const visitor = await visitorAt(cluster, SLAVE, 'hello 3');
    await assignedWithin(cluster, visitor, 1_000);
    await eventually(() => steady.texts.includes('hello 3'));
  });

  test('f04 a master stopped by a signal for longer than its lease: nothing is written with its token, it says once that it stepped down', async () => {
    const cluster = await start({ json: { lease_seconds: lasting(2, 4) } });
    await operatorAt(cluster, SLAVE);
    const pausedMs = lasting(6_000, 30_000);
    const [before] = await cluster.database.query<{ token: number }>('select token::int from lease');
    process.kill(cluster.master.pid, 'SIGSTOP');
    const stopped = performance.now();
    await eventually(async () => (await cluster.leader()) === SLAVE, { within: 8_000 });
    // Each message is work for the leader, and the old one wakes up with its plans.
    for (let i = 0; performance.now() - stopped < pausedMs; i++) await visitorAt(cluster, SLAVE, `hello 4 ${i}`);
    const [after] = await cluster.database.query<{ token: number; newest: number }>(
      'select token::int, newest_revision() as newest from lease',
    );
    assert.equal(after?.token, (before?.token ?? 0) + 1);
    process.kill(cluster.master.pid, 'SIGCONT');
    await eventually(async () => (await cluster.master.status()).role === 'standby', { within: 10_000 });
    assert.equal(cluster.master.events('stepped-down').length, 1);
    assert.equal(await cluster.leader(), SLAVE);
    assert.deepEqual(
      await cluster.database.query(
        `select 1 from change_log where changes like '%"move":"assigned"%' group by changes having count(*) > 1`,
      ),
      [],
    );
    await assertInvariants(cluster.database);
  });

  test('f04 the database itself refuses a write with an old token', async () => {
    const cluster = await start();
    const [lease] = await cluster.database.query<{ token: number }>('select token from lease');
    await assert.rejects(
      cluster.database.query(`select append_changes(gen_random_uuid(), 1, '[]', ${Number(lease?.token) - 1})`),
      /the lease with token \d+ is not held/,
    );
  });

  test('f05 a master cut off from PostgreSQL steps down before its lease ends, keeps its sockets and is not ready; another leads', async () => {
    const cluster = await start({ proxied: true, json: { lease_seconds: lasting(2, 4) } });
    const atMaster = await operatorAt(cluster, MASTER);
    cluster.network(MASTER).db.freeze();
    await eventually(async () => (await cluster.leader()) === SLAVE, { within: 8_000 });
    const [steppedDown] = await eventually(() => {
      const events = cluster.master.events('stepped-down');
      return events.length > 0 && events;
    });
    const [held] = await eventually(() => {
      const events = cluster.slave.events('lease-held');
      return events.length > 0 && events;
    });
    const silentAt = Date.parse(steppedDown?.time ?? '') - Number(steppedDown?.silentMs);
    assert.ok(silentAt <= Date.parse(held?.time ?? ''), `silent at ${silentAt}, before the other begins at ${held?.time}`);
    await eventually(async () => (await fetch(`${cluster.master.url}/readyz`)).status === 503, { within: 15_000 });
    assert.match(JSON.stringify(await (await fetch(`${cluster.master.url}/readyz`)).json()), /database/);
    assert.equal(atMaster.operator.closed, undefined, 'its sockets are kept');
    cluster.network(MASTER).db.thaw();
    await eventually(async () => (await cluster.master.status()).state === 'running', { within: 20_000 });
  });

  test('f06 a master cut off from RabbitMQ leads on: its assignments are read from the log', async () => {
    const cluster = await start({ proxied: true });
    const steady = await operatorAt(cluster, SLAVE);
    await cluster.network(MASTER).mq?.close();
    await eventually(async () => (await cluster.master.metric('bus_connected')) === 0);
    const visitor = await visitorAt(cluster, MASTER, 'hello 6');
    const said = performance.now();
    await eventually(() => steady.texts.includes('hello 6'), { within: 3_000 });
    assert.ok(performance.now() - said <= 2_000);
    await assignedWithin(cluster, visitor, 2_000);
    assert.equal(await cluster.leader(), MASTER);
    assert.match(JSON.stringify(await (await fetch(`${cluster.master.url}/readyz`)).json()), /degraded.*bus/);
  });

  test('f08 of two masters configured by hand the one that cluster.json does not name is refused, with either file', async () => {
    const cluster = await start();
    const asMaster = [...cluster.flags(SLAVE).slice(0, -1), 'master'];
    const refused = await chatServer(['start', ...asMaster, '--port', '0'], { cwd: cluster.folder.path });
    assert.deepEqual([refused.code, refused.stderr.includes("cluster.json makes 'chat-master' the master")], [78, true]);
    await cluster.slave.stop();
    cluster.folder.write(
      'other.json',
      JSON.stringify({ cluster_name: 'test', chat_server_node_names: [MASTER, SLAVE], chat_server_master_node_name: SLAVE }),
    );
    const drifted = await chatServer(['start', ...asMaster.map(flag => (flag === 'cluster.json' ? 'other.json' : flag)), '--port', '0'], {
      cwd: cluster.folder.path,
    });
    assert.deepEqual([drifted.code, drifted.stderr.includes('cluster.json differs')], [78, true], drifted.stderr);
  });

  test('f16 no request to the master travels by the bus: a chat waits while nobody leads, and a promoted node assigns it', async () => {
    const cluster = await start({ json: { failover: 'manual', lease_seconds: 2 } });
    await operatorAt(cluster, SLAVE);
    await cluster.master.kill();
    const visitor = await visitorAt(cluster, SLAVE, 'hello 16');
    await eventually(async () => (await cluster.leader()) === '', { within: 5_000 });
    assert.equal((await chatOf(cluster, visitor)).assigned_operator_id, null);
    const promoted = await chatServer(['cluster', 'promote', SLAVE], { cwd: cluster.folder.path });
    assert.deepEqual([promoted.code, promoted.stdout], [0, `'${SLAVE}' leads, until cluster handover\n`], promoted.stderr);
    await assignedWithin(cluster, visitor, 1_000);
    const again = await cluster.start(MASTER);
    assert.equal((await again.status()).role, 'standby');
    const handed = await chatServer(['cluster', 'handover'], { cwd: cluster.folder.path });
    assert.equal(handed.code, 0, handed.stderr);
    assert.equal(await cluster.leader(), MASTER);
  });

  test('f48 a master alone on its side of a partition is silent before its successor begins; its visitors are told to try later', async () => {
    const cluster = await start({ proxied: true, json: { lease_seconds: lasting(2, 4) } });
    const visitor = await visitorAt(cluster, MASTER, 'hello 48');
    // On a busy machine a lease of two seconds may have gone to the slave and back before.
    await eventually(async () => (await cluster.leader()) === MASTER, { within: 20_000 });
    const [before, heldBefore] = [cluster.master.events('stepped-down').length, cluster.slave.events('lease-held').length];
    const { db, mq } = cluster.network(MASTER);
    db.freeze();
    mq?.freeze();
    await eventually(() => cluster.slave.events('lease-held').length > heldBefore, { within: 8_000 });
    const steppedDown = await eventually(() => cluster.master.events('stepped-down')[before] ?? false);
    const silentSince = Date.parse(steppedDown.time) - Number(steppedDown.silentMs);
    assert.ok(silentSince <= Date.parse(cluster.slave.events('lease-held')[heldBefore]?.time ?? ''), JSON.stringify(steppedDown));
    const response = await fetch(`${cluster.master.url}/l/v/m/action`, {
      method: 'POST',
      body: new URLSearchParams({ action: 'chat.message', message: 'cut off', 'client-side-id': 'cut', ...visitor.credentials }),
    });
    assert.deepEqual([response.status, await response.json()], [502, { error: 'server-not-ready' }]);
    db.thaw();
    mq?.thaw();
    await sendSurely(visitor, 'cut off', 'cut');
    await assertInvariants(cluster.database);
  });
});
