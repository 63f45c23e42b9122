/** Sending clients away in the order that hurts nobody: by SIGTERM for good, by an administrator for a while. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { afterEach, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { MASTER, PASSWORD, SLAVE, startCluster, type TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { Operator } from '../support/operator.ts';
import { chatServer, type Finished } from '../support/process.ts';
import { assertHeard, sendSurely, SteadyOperator } from '../support/surely.ts';
import { Visitor } from '../support/visitor.ts';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

async function start(): Promise<TestCluster> {
  const cluster = cleanup.add(await startCluster(), it => it.stop());
  await eventually(async () => (await cluster.leader()) === MASTER, { within: 15_000 });
  return cluster;
}

const drain = (cluster: TestCluster, ...args: string[]): Promise<Finished> =>
  chatServer(['cluster', 'drain', ...args], { cwd: cluster.folder.path });

describe('draining', () => {
  test('SIGTERM: the lease is handed over first, polls are answered, WebSockets told when to come back, commands finished, exit 0', async () => {
    const cluster = await start();
    const { master, slave } = cluster;
    const steady = cleanup.add(await SteadyOperator.start(slave.url, 'op1'), it => it.stop());
    const onMaster = await Operator.login(master.url, 'op1', PASSWORD);
    await onMaster.connect();
    const visitor = await Visitor.init(master.url);
    await sendSurely(visitor, 'before', 'before');
    await visitor.poll(); // what there is to tell
    const held = visitor.poll();
    await eventually(async () => (await master.metric('hub_sessions')) === 2); // the WebSocket and the poll
    const inFlight = Array.from({ length: 20 }, (_, i) => sendSurely(visitor, `in flight ${i}`, `in-flight-${i}`, 300).catch(() => -1));
    const exit = master.stop();
    const answered = await Promise.race([held.then(() => 'answered'), exit.then(() => 'ended')]).catch(() => 'failed');
    assert.equal(answered, 'answered', 'a held poll is answered before the node ends');
    assert.equal(await exit, 0);
    await eventually(() => onMaster.closed !== undefined);
    assert.equal(onMaster.closed?.code, 4503);
    const { retryAfterMs } = JSON.parse(onMaster.closed.reason) as { retryAfterMs: number };
    assert.ok(retryAfterMs >= 0 && retryAfterMs <= 2_000);
    const events = master
      .log()
      .split('\n')
      .flatMap(line => /"event":"(draining|lease-handed-over|stopped)"/.exec(line)?.[1] ?? []);
    assert.deepEqual(events, ['draining', 'lease-handed-over', 'stopped']);
    const acknowledged = (await Promise.all(inFlight)).flatMap((tries, i) => (tries > 0 ? [`in flight ${i}`] : []));
    await eventually(() => acknowledged.every(text => steady.hasHeard(text)), { within: 5_000 });
    assert.equal(await cluster.leader(), SLAVE);
  });

  test('a connection that says nothing, and one whose request is never finished, delay the end by 6 s at most and are no failure', async () => {
    const cluster = await start();
    const { port } = cluster.slave;
    const sockets = ['', 'POST /l/v/m/action HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\na='].map(words => {
      const socket = net.connect(port, '127.0.0.1', () => socket.write(words)).on('error', () => undefined);
      cleanup.add(socket, it => void it.destroy());
      return socket.resume();
    });
    await eventually(async () => (await cluster.slave.metric('connections')) >= sockets.length);
    const started = performance.now();
    assert.equal(await cluster.slave.stop(), 0);
    assert.ok(performance.now() - started < 7_500);
  });

  test('an administrator drains the leader and takes it back: no client stays, it leads no more, and is itself again afterwards', async () => {
    const cluster = await start();
    const { master, slave } = cluster;
    const onMaster = await Operator.login(master.url, 'op1', PASSWORD);
    await onMaster.connect();
    const steady = cleanup.add(await SteadyOperator.start(slave.url, 'op1'), it => it.stop());

    const drained = await drain(cluster, MASTER);
    assert.deepEqual([drained.code, drained.stdout], [0, `'${MASTER}' is drained of its clients; stop it, or take it back with --undo\n`]);
    await eventually(() => onMaster.closed?.code === 4503);
    await eventually(() =>
      fetch(`${master.url}/healthz`)
        .then(() => false)
        .catch(() => true),
    );
    assert.equal(await cluster.leader(), SLAVE);
    assert.equal(master.child.exitCode, null, 'it lives');
    const shown = await chatServer(['cluster', 'status'], { cwd: cluster.folder.path });
    assert.match(shown.stdout, /chat-master +master +standby +draining/);
    const visitor = await Visitor.init(slave.url);
    await sendSurely(visitor, 'meanwhile', 'meanwhile');
    await assertHeard(steady, ['meanwhile']);

    const undone = await drain(cluster, MASTER, '--undo');
    assert.deepEqual([undone.code, undone.stdout], [0, `'${MASTER}' takes clients again\n`]);
    await eventually(async () => (await fetch(`${master.url}/readyz`)).ok);
    const again = await Visitor.init(master.url);
    await sendSurely(again, 'again', 'again');
    await eventually(() => steady.hasHeard('again'));
    await eventually(async () => (await cluster.leader()) === MASTER, { within: 15_000 });
  });

  test('a name that is not there, and a node that is dead, are refused in words', async () => {
    const cluster = await start();
    assert.deepEqual(await drain(cluster, 'chat-salve'), {
      code: 64,
      stdout: '',
      stderr: "there is no node 'chat-salve' (chat-master, chat-slave)\n",
    });
    await cluster.slave.kill();
    await eventually(
      async () => (await cluster.database.query("select 1 from node n where name = 'chat-slave' and not is_alive(n)")).length === 1,
    );
    assert.deepEqual((await drain(cluster, SLAVE)).stderr, "node 'chat-slave' is dead: there is nothing to drain\n");
    const promoted = await chatServer(['cluster', 'promote', SLAVE], { cwd: cluster.folder.path });
    assert.deepEqual([promoted.code, promoted.stderr], [69, "node 'chat-slave' is dead: only a node that is ready can lead\n"]);
  });
});
