/** f64: an older database is put in the place of the one that two nodes and their clients know, in each way that there is. */
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Cleanup } from '../support/cleanup.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { assertInvariants } from '../support/invariants.ts';
import { databaseOn, type PrivatePostgres, startPrivatePostgres, systemPostgresFolder } from '../support/private-postgres.ts';
import { chatServer } from '../support/process.ts';
import { SteadyOperator } from '../support/surely.ts';
import { Talker } from '../support/talker.ts';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const DATABASE = 'restores';
const TALKERS = 4;

interface Way {
  readonly name: string;
  readonly reason: 'set-back' | 'timeline' | 'other-database';
  readonly server?: () => Promise<PrivatePostgres>;
  /** Makes the older copy. Returns what puts it in place. */
  readonly backUp: (server: PrivatePostgres) => Promise<() => Promise<void>>;
  readonly skip?: string | false;
}

const system = systemPostgresFolder();

const WAYS: readonly Way[] = [
  {
    name: 'a base backup',
    reason: 'set-back',
    async backUp(server) {
      const copy = await server.backUp('running');
      return () => server.putInPlace(copy);
    },
  },
  {
    name: 'a copied data folder',
    reason: 'set-back',
    async backUp(server) {
      const copy = await server.backUp('stopped');
      return () => server.putInPlace(copy);
    },
  },
  {
    name: 'a backup restored up to a moment',
    reason: 'timeline',
    server: () => startPrivatePostgres({}, { archiving: true }),
    async backUp(server) {
      const copy = await server.backUp('running');
      await wait(300); // some talk between the backup and the moment
      await server.query("select pg_create_restore_point('the_moment')");
      await server.query('select pg_switch_wal()');
      return () => server.putInPlace(copy, 'the_moment');
    },
  },
  {
    name: 'a dump loaded into a fresh cluster',
    reason: 'other-database',
    server: () => startPrivatePostgres({}, { programs: system ?? '' }),
    async backUp(server) {
      const dump = await server.dump(DATABASE);
      return () => server.loadAnew(dump, DATABASE);
    },
    skip: system === undefined && 'there is no pg_dump on this machine',
  },
];

interface Scene {
  readonly server: PrivatePostgres;
  readonly cluster: TestCluster;
  readonly operator: SteadyOperator;
  readonly talkers: readonly Talker[];
}

async function startScene(makeServer: () => Promise<PrivatePostgres>): Promise<Scene> {
  const server = cleanup.add(await makeServer(), it => it.remove());
  const database = await databaseOn([server], DATABASE);
  const cluster = cleanup.add(await startCluster({ database, ini: 'max_chats_per_operator = 100' }), it => it.stop());
  const operator = cleanup.add(await SteadyOperator.start(cluster.slave.url, 'op1'), it => it.stop());
  const talkers: Talker[] = [];
  for (let i = 0; i < TALKERS; i++) {
    const { url } = i % 2 === 0 ? cluster.master : cluster.slave;
    talkers.push(cleanup.add(await Talker.start(url, `talker ${i}`, { webSocket: i >= 2 }), it => it.stop()));
  }
  await eventually(() => talkers.every(talker => talker.acknowledged.length > 5), { within: 20_000 });
  return { server, cluster, operator, talkers };
}

const textsOf = async ({ cluster }: Scene): Promise<string[]> =>
  (await cluster.database.query<{ text: string }>('select text from message')).map(row => row.text);

/** What holds when talk goes on after the database was set back. */
async function assertWell(scene: Scene, restored: readonly string[], newEpochs: number): Promise<void> {
  const { cluster, operator, talkers } = scene;
  const after = talkers.map(talker => talker.acknowledged.length);
  await eventually(() => talkers.every((talker, i) => talker.acknowledged.length > (after[i] ?? 0) + 5), { within: 30_000 });
  await Promise.all(talkers.map(talker => talker.stop()));
  const epochs = await cluster.database.query<{ epoch: string; reason: string }>('select epoch, reason from epoch_opened order by epoch');
  assert.equal(epochs.length, newEpochs, JSON.stringify(epochs));

  const stored = await textsOf(scene);
  assert.deepEqual(
    restored.filter(text => !stored.includes(text)),
    [],
    'nothing is lost that the restored database had',
  );
  const sinceThen = talkers.flatMap((talker, i) => talker.acknowledged.slice(after[i]));
  assert.deepEqual(
    sinceThen.filter(text => stored.filter(it => it === text).length !== 1),
    [],
    'what was acknowledged afterwards is stored once',
  );
  const homeless = await cluster.database.query('select m.text from message m left join chat c on c.id = m.chat_id where c.id is null');
  assert.deepEqual(homeless, [], 'no message is stored under a chat that is not there');
  await assertInvariants(cluster.database);

  // Everybody sees what the database has, and nothing else.
  const chatIds = (await cluster.database.query<{ id: string }>('select id from chat')).map(row => Number(row.id));
  const known = operator.operator.fullUpdates.at(-1)?.chats.map(chat => chat.id) ?? [];
  assert.deepEqual(
    known.filter(id => !chatIds.includes(id)),
    [],
    'the operator is shown no chat that is gone',
  );
  await eventually(() => sinceThen.every(text => operator.hasHeard(text)), { within: 10_000 });
  for (const talker of talkers) {
    assert.ok(talker.fullUpdates > 0, `${talker.name} got everything anew`);
    const shown = await talker.shown();
    assert.deepEqual(
      shown.filter(text => !stored.includes(text)),
      [],
      `${talker.name} is shown nothing that is gone`,
    );
  }
}

describe('f64 an older database in the place of the newer one, under load:', () => {
  for (const { name, reason, server = () => startPrivatePostgres(), backUp, skip = false } of WAYS) {
    test(`f64 ${name}: a new epoch before anything is written, said, and nothing under a chat that is gone`, { skip }, async t => {
      const scene = await startScene(server);
      const { cluster, talkers } = scene;
      const putInPlace = await backUp(scene.server);
      const before = talkers.map(talker => talker.acknowledged.length);
      await eventually(() => talkers.every((talker, i) => talker.acknowledged.length > (before[i] ?? 0) + 10), { within: 20_000 });
      const late = cleanup.add(await Talker.start(cluster.master.url, 'came after the backup', { webSocket: false }), it => it.stop());
      await eventually(() => late.acknowledged.length > 5, { within: 20_000 });
      for (const talker of [...talkers, late]) talker.forgetFullUpdates();

      // Paused and empty-handed: what they do meanwhile must not be based on what is gone.
      await putInPlace();
      const restored = await textsOf(scene);
      t.diagnostic(`${[...talkers, late].flatMap(it => it.acknowledged).length - restored.length} acknowledged messages are gone`);
      const start = performance.now();
      await eventually(async () => (await cluster.database.query('select from epoch_opened')).length > 0, { within: 20_000 });
      t.diagnostic(`a new epoch ${Math.round(performance.now() - start)} ms after it could be reached`);
      const [epoch] = await cluster.database.query<{ reason: string }>('select reason from epoch_opened');
      assert.equal(epoch?.reason, reason);
      for (const node of [cluster.master, cluster.slave]) {
        await eventually(async () => (await node.status()).state === 'running', { within: 20_000 });
        await eventually(
          async () => {
            const status = (await node.status()) as unknown as { revision: string; epoch: { number: number; reason: string } | null };
            return status.revision.startsWith('2') && status.epoch?.number === 2 && status.epoch.reason === reason;
          },
          { within: 10_000 },
        );
      }
      assert.ok(
        [cluster.master, cluster.slave].some(node => node.events('epoch-opened').length > 0),
        'it is said in a log',
      );
      await assertWell({ ...scene, talkers: [...talkers, late] }, restored, 1);
    });
  }

  test('f64 all nodes stopped while it was set back: the one that starts remembers', async () => {
    const scene = await startScene(() => startPrivatePostgres());
    const { server, cluster, talkers } = scene;
    const copy = await server.backUp('running');
    const before = talkers.map(talker => talker.acknowledged.length);
    await eventually(() => talkers.every((talker, i) => talker.acknowledged.length > (before[i] ?? 0) + 5), { within: 20_000 });
    await cluster.slave.stop();
    await cluster.master.stop();
    await server.putInPlace(copy);
    const restored = await textsOf(scene);
    for (const talker of talkers) talker.forgetFullUpdates();
    await cluster.start('chat-master');
    await cluster.start('chat-slave');
    assert.ok(cluster.master.events('epoch-opened').length === 1);
    await assertWell(scene, restored, 1);
  });

  test('f64 set back and set back again: each time a new epoch, above all that anybody knows', async () => {
    const scene = await startScene(() => startPrivatePostgres());
    const { server, cluster, talkers } = scene;
    const copy = await server.backUp('running');
    for (const epoch of ['2', '3']) {
      const before = talkers.map(talker => talker.acknowledged.length);
      await eventually(() => talkers.every((talker, i) => talker.acknowledged.length > (before[i] ?? 0) + 5), { within: 30_000 });
      for (const talker of talkers) talker.forgetFullUpdates();
      await server.putInPlace(copy);
      for (const node of [cluster.master, cluster.slave])
        await eventually(async () => (await node.status()).revision.startsWith(epoch), { within: 20_000 });
    }
    await assertWell(scene, await textsOf(scene), 1); // the record of the first one is gone with the database that had it
  });

  test('f64 by hand: cluster new-epoch makes everybody load anew', async () => {
    const cluster = cleanup.add(await startCluster(), it => it.stop());
    const talker = cleanup.add(await Talker.start(cluster.slave.url, 'by hand', { webSocket: false }), it => it.stop());
    await eventually(() => talker.acknowledged.length > 0);
    talker.forgetFullUpdates();
    const done = await chatServer(['cluster', 'new-epoch', ...cluster.flags('chat-master').slice(0, 2)], { cwd: cluster.folder.path });
    assert.deepEqual([done.code, done.stdout], [0, 'epoch 2: nodes and clients load everything anew\n'], done.stderr);
    for (const node of [cluster.master, cluster.slave])
      await eventually(async () => (await node.status()).revision.startsWith('2'), { within: 5_000 });
    await eventually(() => talker.fullUpdates > 0);
    const rows = await cluster.database.query<{ reason: string }>('select reason from epoch_opened');
    assert.deepEqual(
      rows.map(row => row.reason),
      ['by-hand'],
    );
  });
});
