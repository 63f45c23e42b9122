/** The cluster by HTTP for admins: what any node tells of all, and what they wish of it. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { MASTER, PASSWORD, SLAVE, startCluster, type TestCluster } from '../support/cluster.ts';
import { run } from '../support/desk.ts';
import { eventually } from '../support/eventually.ts';
import { Operator } from '../support/operator.ts';
import { chatServer } from '../support/process.ts';
import { startSingle } from '../support/single.ts';
import { Visitor } from '../support/visitor.ts';

interface Overview {
  readonly leader: string | null;
  readonly lease: {
    readonly holder: string;
    readonly token: number;
    readonly expiresInMs: number;
    readonly reason: string;
    readonly promoted: boolean;
  } | null;
  readonly revision: string;
  readonly transport: string;
  readonly database: {
    readonly version: string;
    readonly host: string;
    readonly connections: number;
    readonly sizeBytes: number;
    readonly isReplica: boolean;
  };
  readonly broker: { readonly transport: string; readonly connected: boolean; readonly host: string | null };
  readonly nodes: readonly {
    readonly node: string;
    readonly mode: string;
    readonly role: string;
    readonly state: string;
    readonly reason: string | null;
    readonly pid: number;
    readonly port: number;
    readonly revision: string;
    readonly lag: number;
    readonly seenSecondsAgo: number;
    readonly startedAt: string;
    readonly differs: readonly string[];
    readonly stats: Readonly<Record<string, number>> | null;
  }[];
}

const STATS = ['connections', 'wsConnections', 'messagesTotal', 'restCallsTotal', 'cpuPercent', 'memoryBytes'];

async function look(by: Operator): Promise<Overview> {
  const answer = await by.get('/l/o/cluster');
  assert.deepEqual([answer.status, answer.result], [200, 'ok'], JSON.stringify(answer));
  return answer.data as unknown as Overview;
}

async function refused(answer: Promise<{ status: number; error?: string }>, status: number, error: string): Promise<void> {
  const given = await answer;
  assert.deepEqual([given.status, given.error], [status, error], JSON.stringify(given));
}

describe('the cluster for admins', () => {
  const cleanup = new Cleanup();
  let cluster: TestCluster;
  /** On the master, and the same login on the slave. */
  let admin: Operator;
  let elsewhere: Operator;
  let adminId: number;

  before(async () => {
    cluster = cleanup.add(
      await startCluster({ env: (name): Record<string, string> => (name === SLAVE ? { CHAT_REOPEN_MINUTES: '7' } : {}) }),
      it => it.stop(),
    );
    await eventually(async () => (await cluster.leader()) === MASTER, { within: 15_000 });
    adminId = Number(
      await run(cluster, 'operator', 'add', '--login', 'boss', '--fullname', 'Boss', '--password', PASSWORD, '--roles', 'admin'),
    );
    admin = await eventually(() => Operator.login(cluster.master.url, 'boss', PASSWORD), { within: 10_000 });
    elsewhere = admin.at(cluster.slave.url);
  });

  after(() => cleanup.run());

  const wishes = (): (string | number)[][] =>
    [cluster.master, cluster.slave]
      .flatMap(node => node.events('admin-wish'))
      .sort((a, b) => a.time.localeCompare(b.time))
      .map(({ operatorId, wish, target }) => [operatorId, wish, target] as (string | number)[]);
  const node = async (name: string): Promise<Overview['nodes'][number]> => {
    const found = (await look(admin)).nodes.find(one => one.node === name);
    assert.ok(found !== undefined);
    return found;
  };

  test('is told by every node, of all nodes, the same', async () => {
    const visitor = await Visitor.init(cluster.slave.url);
    await visitor.send('hello', 'hello');
    await admin.connect();
    await eventually(async () => {
      for (const by of [admin, elsewhere]) {
        const seen = await look(by);
        assert.deepEqual([seen.leader, seen.lease?.holder, seen.lease?.promoted], [MASTER, MASTER, false]);
        assert.ok(seen.lease !== null && seen.lease.token > 0 && seen.lease.expiresInMs > 0 && seen.lease.reason !== '');
        assert.deepEqual(
          seen.nodes.map(({ node, role, state, lag, pid, port, differs }) => ({ node, role, state, lag, pid, port, differs })),
          [
            { node: MASTER, role: 'master', state: 'running', lag: 0, pid: cluster.master.pid, port: cluster.master.port, differs: [] },
            {
              node: SLAVE,
              role: 'slave',
              state: 'running',
              lag: 0,
              pid: cluster.slave.pid,
              port: cluster.slave.port,
              differs: ['reopen_minutes'],
            },
          ],
        );
        for (const { stats, seenSecondsAgo, startedAt, revision } of seen.nodes) {
          assert.deepEqual(Object.keys(stats ?? {}).sort(), [...STATS].sort());
          const isFull =
            stats !== null && stats['memoryBytes']! > 10_000_000 && stats['restCallsTotal']! > 0 && stats['messagesTotal'] === 1;
          assert.ok(isFull, `told without words, a failing assert.ok reads this file for a minute: ${JSON.stringify(stats)}`);
          assert.ok(seenSecondsAgo < 3 && Date.parse(startedAt) <= Date.now() && revision === seen.revision);
        }
        assert.deepEqual(
          seen.nodes.map(({ stats }) => stats?.['wsConnections']),
          [1, 0],
        );
        assert.deepEqual([seen.transport, seen.broker.transport, seen.broker.connected], ['rabbitmq', 'rabbitmq', true]);
        assert.match(seen.database.version, /^\d+\./);
        assert.ok(seen.database.connections > 2 && seen.database.sizeBytes > 1_000_000 && !seen.database.isReplica);
      }
    });
    admin.close();
    const stored = await cluster.database.query<{ bytes: number }>('select max(length(stats::text))::int as bytes from node');
    assert.ok(stored[0]!.bytes < 300, `${stored[0]!.bytes} bytes with each heartbeat`);
  });

  test('a node of an earlier build beats on, and is shown without figures', async () => {
    await cluster.database.query(
      `insert into node (name, incarnation, mode, host, pid, port, version, state, revision, heartbeat_at)
       values ('old', '00000000-0000-0000-0000-000000000001', 'slave', 'host', 1, 1, '0', 'starting', 0, clock_timestamp() - interval '1 hour')`,
    );
    assert.equal((await node('old')).state, 'dead');
    await cluster.database.query(
      `select * from beat('old', '00000000-0000-0000-0000-000000000001', 'running', newest_revision(), false, 'automatic', '', 4)`,
    );
    const { state, stats, lag } = await node('old');
    assert.deepEqual([state, stats, lag], ['running', null, 0]);
    await cluster.database.query(`delete from node where name = 'old'`);
  });

  test('is for admins only, and with a cookie from no foreign page', async () => {
    const operator = await Operator.login(cluster.slave.url, 'op1', PASSWORD);
    const nobody = { headers: { authorization: 'Bearer nobody' } };
    const foreign = { headers: { cookie: `operator_token=${admin.token}`, origin: 'https://evil.example' } };
    for (const path of ['/l/o/cluster/promote', '/l/o/cluster/handover', '/l/o/cluster/drain']) {
      await refused(operator.post(path, { node: SLAVE }), 403, 'not-allowed');
      for (const [request, error] of [
        [nobody, 'unauthorized'],
        [foreign, 'wrong-origin'],
      ] as const) {
        const response = await fetch(`${cluster.master.url}${path}`, {
          method: 'POST',
          body: new URLSearchParams({ node: SLAVE }),
          ...request,
        });
        assert.equal(((await response.json()) as { error: string }).error, error, path);
      }
    }
    await refused(operator.get('/l/o/cluster'), 403, 'not-allowed');
    assert.equal((await fetch(`${cluster.master.url}/l/o/cluster`, nobody)).status, 401);
    assert.deepEqual(wishes(), []);
  });

  test('who watches is not at his desk because of it', async () => {
    await eventually(async () => (await cluster.master.metric('operators_present')) === 0, { within: 10_000 });
    for (let i = 0; i < 3; i++) await look(admin);
    assert.equal(await cluster.master.metric('operators_present'), 0);
  });

  test('a wish of a node that is not there, or of none, is refused in words', async () => {
    for (const path of ['/l/o/cluster/promote', '/l/o/cluster/drain']) {
      await refused(admin.post(path, { node: 'chat-salve' }), 404, 'node-not-found');
      await refused(admin.post(path, {}), 400, 'argument-missing');
      await refused(admin.post(path, { node: 'x'.repeat(201) }), 400, 'wrong-argument-value');
    }
    assert.deepEqual(wishes(), []);
  });

  test('a drained node is shown so and taken back; the last one that is ready is not drained', async () => {
    assert.deepEqual(await admin.post('/l/o/cluster/drain', { node: SLAVE }), { result: 'ok', status: 202 });
    await eventually(async () => (await node(SLAVE)).state === 'draining');
    await refused(admin.post('/l/o/cluster/drain', { node: MASTER }), 409, 'node-not-ready');
    await refused(admin.post('/l/o/cluster/promote', { node: SLAVE }), 409, 'node-not-ready');
    assert.deepEqual(await admin.post('/l/o/cluster/drain', { node: SLAVE, undo: 'true' }), { result: 'ok', status: 202 });
    await eventually(async () => (await fetch(`${cluster.slave.url}/readyz`)).ok);
    await eventually(async () => (await node(SLAVE)).state === 'running');
    assert.deepEqual(wishes(), [
      [adminId, 'drain', SLAVE],
      [adminId, 'undo-drain', SLAVE],
    ]);
  });

  test('a promoted node leads until the hand-over, asked of whichever node', async () => {
    assert.deepEqual(await admin.post('/l/o/cluster/promote', { node: SLAVE }), { result: 'ok', status: 202 });
    await eventually(async () => {
      const { lease, nodes } = await look(elsewhere);
      assert.deepEqual([lease?.holder, lease?.promoted, lease?.reason], [SLAVE, true, 'promoted']);
      assert.deepEqual(
        nodes.map(({ role }) => role),
        ['standby', 'master'],
      );
    });
    assert.deepEqual(await elsewhere.post('/l/o/cluster/handover', {}), { result: 'ok', status: 202 });
    await eventually(
      async () => {
        const { lease } = await look(admin);
        assert.deepEqual([lease?.holder, lease?.promoted, lease?.reason], [MASTER, false, 'failback']);
      },
      { within: 15_000 },
    );
    assert.deepEqual(wishes().slice(-2), [
      [adminId, 'promote', SLAVE],
      [adminId, 'handover', MASTER],
    ]);
  });

  test('a dead node is shown as dead, and nothing can be wished of it', async () => {
    await cluster.slave.kill();
    await eventually(async () => (await node(SLAVE)).state === 'dead', { within: 8_000 });
    await refused(admin.post('/l/o/cluster/promote', { node: SLAVE }), 409, 'node-not-ready');
    await refused(admin.post('/l/o/cluster/drain', { node: SLAVE }), 409, 'node-not-ready');
    await refused(admin.post('/l/o/cluster/drain', { node: MASTER }), 409, 'node-not-ready');
  });
});

test('a single node tells of itself, and knows no wishes', async () => {
  const single = await startSingle({ logins: [] });
  try {
    await chatServer(['operator', 'add', '--login', 'boss', '--fullname', 'Boss', '--password', PASSWORD, '--roles', 'admin'], {
      cwd: single.folder.path,
    });
    const admin = await Operator.login(single.node.url, 'boss', PASSWORD);
    await eventually(async () => {
      const { nodes, transport, broker, leader } = await look(admin);
      assert.deepEqual([nodes.length, nodes[0]?.role, nodes[0]?.state, leader], [1, 'single', 'running', nodes[0]?.node]);
      assert.deepEqual([transport, broker], ['none', { transport: 'none', connected: true, host: null }]);
    });
    for (const path of ['promote', 'handover', 'drain'])
      await refused(admin.post(`/l/o/cluster/${path}`, { node: 'x' }), 409, 'not-a-cluster');
  } finally {
    await single.stop();
  }
});
