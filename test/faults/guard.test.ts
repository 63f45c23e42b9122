/** What administrators do by mistake, and what hosts do by themselves: refused in words, or survived. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import { after, before, describe, test } from 'node:test';
import { startPrivateBroker } from '../support/broker.ts';
import { Cleanup } from '../support/cleanup.ts';
import { clusterJson, MASTER, SLAVE, startCluster, type TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { shiftedClock } from '../support/faults/clock.ts';
import { lasting } from '../support/faults/durations.ts';
import { chatServer, Folder, freePort, MAIN, startNodeProcess } from '../support/process.ts';
import { startPrivatePostgres } from '../support/private-postgres.ts';
import { sendSurely, SteadyOperator } from '../support/surely.ts';
import { Visitor } from '../support/visitor.ts';

describe('the guard at the start of a node:', () => {
  const cleanup = new Cleanup();
  let cluster: TestCluster;

  before(async () => {
    cluster = cleanup.add(await startCluster(), it => it.stop());
  });
  after(() => cleanup.run());

  const startOnce = (flags: readonly string[], env: Record<string, string> = {}) =>
    chatServer(['start', ...flags, '--port', '0'], { cwd: cluster.folder.path, env });
  const flagsOf = (name: string, mode: string): string[] => [
    ...['--config', 'main.ini', '--cluster_config', 'cluster.json'],
    ...['--node_name', name, '--multinode_mode', mode],
  ];

  test('f07 a second node of the same name is refused within 3 s, told who holds the name', async () => {
    const started = performance.now();
    const second = await startOnce(cluster.flags(SLAVE));
    assert.equal(second.code, 75, second.stderr);
    assert.ok(performance.now() - started <= 3_000);
    assert.ok(second.stderr.includes(`held by pid ${cluster.slave.pid} on ${os.hostname()} (running since 20`), second.stderr);
    assert.equal((await cluster.slave.status()).state, 'running', 'the holder goes on');
  });

  test('f07 a node killed and started again at once is ready within 5 s', async () => {
    await cluster.slave.kill();
    const started = performance.now();
    await cluster.start(SLAVE);
    assert.ok(performance.now() - started <= 5_000, `ready after ${performance.now() - started} ms`);
  });

  test('f07 a holder on another host is replaced when its heartbeat lapses', async () => {
    await cluster.slave.kill();
    await cluster.database.query("update node set host = 'elsewhere', heartbeat_at = clock_timestamp() where name = $1", [SLAVE]);
    assert.equal((await startOnce(cluster.flags(SLAVE))).code, 75);
    await eventually(async () => {
      const [row] = await cluster.database.query<{ dead: boolean }>('select not is_alive(n) as dead from node n where name = $1', [SLAVE]);
      return row?.dead === true;
    });
    await cluster.start(SLAVE);
  });

  test('f07 a node whose name was taken over stops', async () => {
    await cluster.database.query('update node set incarnation = gen_random_uuid() where name = $1', [SLAVE]);
    // The other run lives: its heart beats.
    await eventually(async () => {
      await cluster.database.query('update node set heartbeat_at = clock_timestamp() where name = $1', [SLAVE]);
      return cluster.slave.child.exitCode !== null;
    });
    assert.equal(cluster.slave.child.exitCode, 75);
    await cluster.start(SLAVE);
  });

  test('f09 a name that is not in cluster.json is refused with the nearest right one and the list', async () => {
    const refused = await startOnce(flagsOf('chat-salve', 'slave'));
    assert.equal(refused.code, 78);
    assert.match(
      refused.stderr,
      /node_name 'chat-salve' is not in cluster 'test' \(chat-master, chat-slave\), did you mean 'chat-slave'\?/,
    );
  });

  test('f10 a node that differs in a critical key is refused; the key is named, no value is printed', async () => {
    await cluster.slave.stop();
    const drifts: [string, Record<string, string>][] = [
      ['mq_host', { CHAT_MQ_HOST: 'localhost' }],
      ['mq_virtual_host', { CHAT_MQ_VIRTUAL_HOST: 'hunter2' }],
      ['mq_node_id_prefix', { CHAT_MQ_NODE_ID_PREFIX: 'hunter2' }],
      ['db_host', { CHAT_DB_HOST: 'localhost' }],
    ];
    for (const [key, env] of drifts) {
      const refused = await startOnce(cluster.flags(SLAVE), env);
      assert.equal(refused.code, 78, `${key}: ${refused.stderr}`);
      assert.match(refused.stderr, new RegExp(`^the configuration is not that of node 'chat-master' \\(pid \\d+ on .*\\): ${key} differs`));
      assert.doesNotMatch(refused.stderr, /hunter2|localhost/);
    }
    cluster.folder.write('cluster.json', clusterJson([MASTER, SLAVE], { failover: 'manual' }));
    assert.match((await startOnce(cluster.flags(SLAVE))).stderr, /cluster\.json differs/);
    cluster.folder.write('cluster.json', clusterJson([MASTER, SLAVE]));
  });

  test('f10 a difference in another key is told by a warning and by /status', async () => {
    const port = await freePort();
    const slave = await startNodeProcess(cluster.flags(SLAVE), {
      cwd: cluster.folder.path,
      port,
      env: { CHAT_MAX_CHATS_PER_OPERATOR: '7' },
    });
    try {
      assert.deepEqual(
        slave.events('config-differs').map(({ other, keys }) => [other, keys]),
        [[MASTER, ['max_chats_per_operator']]],
      );
      const status = (await slave.status()) as unknown as { cluster: { node: string; differs: string[] }[] };
      assert.deepEqual(status.cluster.find(({ node }) => node === MASTER)?.differs, ['max_chats_per_operator']);
    } finally {
      await slave.stop();
    }
    await cluster.start(SLAVE);
  });

  test('a change of cluster.json is taken in by SIGHUP, so that a node can be added while the others run', async () => {
    const three = clusterJson([MASTER, SLAVE, 'chat-slave-2']);
    cluster.folder.write('cluster.json', three);
    const flags = flagsOf('chat-slave-2', 'slave');
    assert.equal((await startOnce(flags)).code, 78, 'refused while the others have the old file');
    for (const node of [cluster.master, cluster.slave]) {
      node.child.kill('SIGHUP');
      await eventually(() => node.events('config-reloaded').length === 1);
    }
    const third = await startNodeProcess(flags, { cwd: cluster.folder.path });
    assert.equal((await third.status()).state, 'running');
    assert.equal(await third.stop(), 0);
  });

  test('SIGHUP with a faulty file changes nothing; a key that needs a restart is named', async () => {
    const { master, folder } = cluster;
    folder.write('main.ini.d/z.ini', 'log_level = loud\n');
    master.child.kill('SIGHUP');
    await eventually(() => master.events('config-not-reloaded').length === 1);
    assert.match(String(master.events('config-not-reloaded')[0]?.['reason']), /log_level: 'loud' must be one of/);
    folder.write('main.ini.d/z.ini', 'log_level = debug\nring_megabytes = 32\n');
    master.child.kill('SIGHUP');
    await eventually(() => master.events('config-reloaded').length === 2);
    const reloaded = master.events('config-reloaded')[1];
    assert.deepEqual([reloaded?.['live'], reloaded?.['needRestart']], [['log_level'], ['ring_megabytes']]);
  });
});

describe('a host in trouble:', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  test('f24 a wall clock ten minutes off on one node moves nothing that nodes share', async () => {
    const TEN_MINUTES = 600_000;
    const folder = cleanup.add(new Folder(), it => it.remove());
    const cluster = cleanup.add(await startCluster({ env: name => (name === SLAVE ? shiftedClock(folder.path, TEN_MINUTES) : {}) }), it =>
      it.stop(),
    );
    assert.ok(Date.parse(cluster.slave.events('ready')[0]?.time ?? '') > Date.now() + TEN_MINUTES / 2, 'its clock is off');
    const steady = cleanup.add(await SteadyOperator.start(cluster.slave.url, 'op1'), it => it.stop());
    const [left, right] = [await Visitor.init(cluster.master.url), await Visitor.init(cluster.slave.url)];
    for (let i = 0; i < 10; i++) {
      await sendSurely(left, `left ${i}`, `left-${i}`);
      await sendSurely(right, `right ${i}`, `right-${i}`);
    }
    await eventually(() => steady.texts.length === 20);
    const times = await cluster.database.query<{ off: number }>(
      'select max(abs(extract(epoch from clock_timestamp()) * 1e6 - ts_us))::float8 as off from message',
    );
    assert.ok((times[0]?.off ?? Infinity) < 60e6, 'times are the database’s');
    assert.equal(await cluster.leader(), MASTER);
    assert.deepEqual([cluster.master.events('stepped-down').length, cluster.slave.events('lease-held').length], [0, 0]);
  });

  test('f49 a log that cannot be written is dropped and counted; the service goes on', async () => {
    const cluster = cleanup.add(await startCluster({ without: [SLAVE], ini: 'log_level = debug\n' }), it => it.stop());
    const port = await freePort();
    const full = openSync('/dev/full', 'w');
    const child = spawn(process.execPath, [MAIN, 'start', ...cluster.flags(SLAVE), '--port', String(port)], {
      cwd: cluster.folder.path,
      stdio: ['ignore', full, 'ignore'],
    });
    const url = `http://127.0.0.1:${port}`;
    try {
      await eventually(async () => (await fetch(`${url}/readyz`)).ok, { within: 15_000 });
      const visitor = await Visitor.init(url);
      await sendSurely(visitor, 'not logged', 'not-logged');
      assert.equal(child.exitCode, null);
      assert.match(await (await fetch(`${url}/metrics`)).text(), /chat_log_lines_dropped [1-9]/);
    } finally {
      child.kill('SIGTERM');
      await new Promise(resolve => child.once('exit', resolve));
    }
    assert.equal(child.exitCode, 0);
  });

  test('f50 with 1,024 open files a node says how many connections it takes, and takes no more', async t => {
    const cluster = cleanup.add(await startCluster({ without: [SLAVE] }), it => it.stop());
    const port = await freePort();
    const command = `ulimit -n 1024 && exec "$0" "$@"`;
    const child = spawn('bash', ['-c', command, process.execPath, MAIN, 'start', ...cluster.flags(SLAVE), '--port', String(port)], {
      cwd: cluster.folder.path,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let log = '';
    child.stdout.on('data', chunk => (log += String(chunk)));
    const url = `http://127.0.0.1:${port}`;
    const opened: net.Socket[] = [];
    try {
      await eventually(async () => (await fetch(`${url}/readyz`)).ok, { within: 15_000 });
      const allowed = Number(/"open-files-limit","maxConnections":(\d+)/.exec(log)?.[1]);
      assert.equal(allowed, 924);
      let closed = 0;
      for (let i = 0; i < 1_100; i++) {
        const socket = net.connect(port, '127.0.0.1').on('error', () => undefined);
        socket.once('close', () => (closed += 1));
        opened.push(socket);
      }
      await eventually(() => closed >= 1_100 - allowed, { within: 10_000 });
      assert.equal(child.exitCode, null, 'no crash');
      t.diagnostic(`${closed} of 1,100 connections were closed at once`);
      for (const socket of opened) socket.destroy();
      await eventually(async () => (await fetch(`${url}/readyz`)).ok, { within: 10_000 });
    } finally {
      for (const socket of opened) socket.destroy();
      child.kill('SIGTERM');
      await new Promise(resolve => child.once('exit', resolve));
    }
  });

  test('f55 everything starts at once, in any order: nodes wait for PostgreSQL and RabbitMQ and are ready soon after the last of them', async t => {
    const postgres = cleanup.add(await startPrivatePostgres(), it => it.remove());
    const broker = cleanup.add(await startPrivateBroker(), it => it.remove());
    await postgres.query('create database power');
    await Promise.all([postgres.stop(), broker.stop()]);
    const cluster = await startCluster({ without: [MASTER, SLAVE], operators: 0 });
    cleanup.add(cluster, it => it.stop());
    cluster.folder.write(
      'main.ini',
      `db_host = 127.0.0.1\ndb_port = ${postgres.port}\ndb_name = power\ndb_username = ${postgres.user}\nmq_host = 127.0.0.1\nmq_port = ${broker.port}\n`,
    );
    const waiting = new Set<string>();
    const starting = [MASTER, SLAVE].map(name => {
      const onLog = (log: string): void => {
        if (log.includes('waiting-for-database')) waiting.add(name);
      };
      return startNodeProcess(cluster.flags(name), { cwd: cluster.folder.path, readyWithin: 60_000, onLog });
    });
    await new Promise(resolve => setTimeout(resolve, lasting(2_000, 20_000)));
    await eventually(() => waiting.size === 2, { within: 30_000 });
    await postgres.start();
    await broker.start();
    const last = performance.now();
    const nodes = await Promise.all(starting);
    for (const node of nodes) cleanup.add(node, it => it.stop());
    t.diagnostic(`ready ${Math.round(performance.now() - last)} ms after the last`);
    assert.ok(performance.now() - last <= 10_000);
    for (const node of nodes) {
      assert.ok(node.events('waiting-for-database').length > 0, node.log());
      await eventually(async () => (await node.status()).state === 'running', { within: 10_000 });
    }
  });
});
