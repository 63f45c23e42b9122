/** PostgreSQL fails over, loses transactions, hangs, is full or stands behind a pooler. */
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Cleanup } from '../support/cleanup.ts';
import { MASTER, SLAVE, startCluster, type TestCluster } from '../support/cluster.ts';
import { createTestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { lasting } from '../support/faults/durations.ts';
import { assertInvariants } from '../support/invariants.ts';
import { startPgBouncer, whyNoPgBouncer } from '../support/pgbouncer.ts';
import { databaseOn, type PrivatePostgres, startPrivatePostgres } from '../support/private-postgres.ts';
import { assertHeard, sendSurely, SteadyOperator } from '../support/surely.ts';
import { Visitor } from '../support/visitor.ts';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

interface Pair {
  readonly primary: PrivatePostgres;
  readonly standby: PrivatePostgres;
  readonly cluster: TestCluster;
}

/** A cluster on a primary and a standby, both named in db_host. */
async function startPair(): Promise<Pair> {
  const primary = cleanup.add(await startPrivatePostgres(), it => it.remove());
  const standby = cleanup.add(await primary.makeStandby(), it => it.remove());
  const database = await databaseOn([primary, standby], 'pair');
  await eventually(async () => (await standby.query("select 1 from pg_database where datname = 'pair'")).length === 1);
  const cluster = cleanup.add(await startCluster({ database, db: { host: `127.0.0.1:${primary.port}, 127.0.0.1:${standby.port}` } }), it =>
    it.stop(),
  );
  return { primary, standby, cluster };
}

async function postOnce(cluster: TestCluster, name: string, visitor: Visitor, text: string): Promise<[number, unknown]> {
  const response = await fetch(`${cluster.node(name).url}/l/v/m/action`, {
    method: 'POST',
    body: new URLSearchParams({
      action: 'chat.message',
      message: text,
      'client-side-id': text.replaceAll(' ', '-'),
      ...visitor.credentials,
    }),
  });
  return [response.status, await response.json()];
}

const TRY_LATER = [502, { error: 'server-not-ready' }];

describe('faults of PostgreSQL:', () => {
  test('f18 the primary dies and a standby is promoted: sockets stay, sends are refused and repeated, nothing is lost or doubled', async t => {
    const { primary, standby, cluster } = await startPair();
    // As in any installation that wants to lose nothing: a commit is on both.
    await primary.query("alter system set synchronous_standby_names = '*'");
    await primary.query('select pg_reload_conf()');
    const steady = cleanup.add(await SteadyOperator.start(cluster.slave.url, 'op1'), it => it.stop());
    const visitor = await Visitor.init(cluster.master.url);
    const said: string[] = [];
    const talk = { isOver: false };
    const speaking = (async () => {
      for (let i = 0; !talk.isOver || i < 30; i++) {
        await sendSurely(visitor, `f18 ${i}`, `f18-${i}`, lasting(40_000, 120_000));
        said.push(`f18 ${i}`);
        await wait(20);
      }
    })();
    await eventually(() => said.length > 10);
    const [before] = await cluster.database.query<{ token: string }>('select token from lease');
    await primary.stop('SIGKILL');
    // Whoever only comes needs no database; nothing can be begun without one.
    const bystander = await Visitor.init(cluster.slave.url).catch(() => undefined);
    if (bystander !== undefined) assert.deepEqual(await postOnce(cluster, SLAVE, bystander, 'f18 bystander'), TRY_LATER);
    await eventually(async () => (await fetch(`${cluster.slave.url}/readyz`)).status === 503, { within: 10_000 });
    assert.equal((await fetch(`${cluster.slave.url}/healthz`)).status, 200);
    assert.deepEqual(await postOnce(cluster, SLAVE, visitor, 'f18 refused'), TRY_LATER);
    assert.equal(steady.reconnects, 0, 'sockets stay');
    await wait(lasting(4_200, 30_000)); // longer than the lease, however quickly all of the above was refused
    await standby.promote();
    const promoted = performance.now();
    await eventually(async () => (await cluster.slave.status()).state === 'running', { within: 20_000 });
    t.diagnostic(`running ${Math.round(performance.now() - promoted)} ms after the promotion`);
    talk.isOver = true;
    await speaking;
    await assertHeard(steady, said);
    const [after] = await eventually(async () => {
      const rows = await cluster.database.query<{ token: string; holder: string }>(
        'select token, holder from lease where expires_at > clock_timestamp()',
      );
      return rows.length > 0 && rows;
    });
    assert.ok(Number(after?.token) > Number(before?.token), 'the lease has a higher token');
    await assertInvariants(cluster.database);
  });

  test('f19 cut while committing: the message is stored once, whether the commit came through or not', async () => {
    const cluster = cleanup.add(await startCluster({ proxied: true, without: [SLAVE] }), it => it.stop());
    const { db } = cluster.network(MASTER);
    const visitor = await Visitor.init(cluster.master.url);
    await sendSurely(visitor, 'f19 first', 'f19-first');
    for (const [text, frozen] of [
      ['f19 came through', 'down'],
      ['f19 did not', 'up'],
    ] as const) {
      const atCommit = db.holdFrom('up', chunk => chunk.includes('append_changes') && chunk.includes(text), frozen);
      const sending = sendSurely(visitor, text, text.replaceAll(' ', '-'));
      await atCommit;
      if (frozen === 'down')
        await eventually(async () => (await cluster.database.query(`select 1 from message where text = '${text}'`)).length === 1);
      db.cut();
      db.thaw();
      await sending;
    }
    const [{ length }] = [await cluster.database.query("select 1 from message where text like 'f19%'")];
    assert.equal(length, 3);
    await assertInvariants(cluster.database);
  });

  test('f20 the new primary has lost the last transactions: a new epoch, full updates for all, a record of it', async () => {
    const { primary, standby, cluster } = await startPair();
    const steady = cleanup.add(await SteadyOperator.start(cluster.slave.url, 'op1'), it => it.stop());
    const visitor = await Visitor.init(cluster.master.url);
    const [old, holding] = [await Visitor.init(cluster.master.url), await Visitor.init(cluster.master.url)];
    const held = holding.poll();
    await sendSurely(visitor, 'f20 kept', 'f20-kept');
    await eventually(async () => (await standby.query("select 1 from message where text = 'f20 kept'", 'pair')).length === 1);
    await standby.stopFollowing();
    await sendSurely(visitor, 'f20 lost', 'f20-lost');
    await eventually(() => steady.texts.includes('f20 lost'));
    const fullUpdates = steady.operator.fullUpdates.length;
    await primary.stop('SIGKILL');
    await standby.promote();
    await eventually(async () => (await cluster.slave.status()).state === 'running', { within: 20_000 });
    await eventually(async () => (await cluster.slave.status()).revision.startsWith('2000000000'), { within: 5_000 });
    await eventually(() => steady.operator.fullUpdates.length > fullUpdates, { within: 10_000 });
    await eventually(async () => (await cluster.master.status()).revision.startsWith('2000000000'), { within: 5_000 });
    assert.ok((await old.poll()).fullUpdate !== undefined, 'also for one that knew only older revisions');
    await held.catch(() => undefined);
    assert.ok((await holding.poll()).fullUpdate !== undefined, 'also for one whose poll was held meanwhile');
    await sendSurely(visitor, 'f20 after', 'f20-after');
    await eventually(() => steady.texts.includes('f20 after'));
    const records = await cluster.database.query<{ epoch: string }>('select epoch from epoch_opened');
    assert.deepEqual(
      records.map(row => Number(row.epoch)),
      [2],
    );
    assert.ok(cluster.slave.events('epoch-changed').length >= 1);
    const texts = await cluster.database.query<{ text: string }>('select text from message order by ts_us');
    assert.deepEqual(
      texts.map(row => row.text),
      ['f20 kept', 'f20 after'],
    );
    await assertInvariants(cluster.database);
  });

  test('f22 behind pgbouncer in transaction mode: migrated, talking by LISTEN over the direct way, taken over', {
    skip: whyNoPgBouncer(),
  }, async () => {
    const database = cleanup.add(await createTestDatabase(), it => it.drop());
    const bouncer = cleanup.add(await startPgBouncer(database), it => it.stop());
    const cluster = cleanup.add(
      await startCluster({
        database,
        broker: 'none',
        db: { host: '127.0.0.1', port: bouncer.port },
        ini: `db_pooler = transaction\ndb_direct_host = ${database.host}\ndb_direct_port = ${database.port}\n`,
      }),
      it => it.stop(),
    );
    assert.equal((await cluster.slave.status()).transport, 'postgresql');
    const steady = cleanup.add(await SteadyOperator.start(cluster.slave.url, 'op1'), it => it.stop());
    const visitor = await Visitor.init(cluster.slave.url);
    const said = Array.from({ length: 50 }, (_, i) => `f22 ${i}`);
    for (const [i, text] of said.entries()) {
      await sendSurely(visitor, text, `f22-${i}`);
      if (i === 25) assert.equal(await cluster.master.stop(), 0);
    }
    await assertHeard(steady, said);
    await eventually(async () => (await cluster.leader()) === SLAVE);
    await assertInvariants(database);
  });

  test('f28 half-open connections to PostgreSQL and RabbitMQ are noticed within 15 s each', async t => {
    const cluster = cleanup.add(await startCluster({ proxied: true }), it => it.stop());
    const started = performance.now();
    cluster.network(SLAVE).db.freeze();
    cluster.network(MASTER).mq?.freeze();
    const noticed = async (what: string, check: () => Promise<boolean>): Promise<void> => {
      await eventually(check, { within: 15_000, every: 100 });
      t.diagnostic(`${what} after ${Math.round(performance.now() - started)} ms`);
    };
    await Promise.all([
      noticed('PostgreSQL', async () => (await fetch(`${cluster.slave.url}/readyz`)).status === 503),
      noticed('RabbitMQ', async () => (await cluster.master.metric('bus_connected')) === 0),
    ]);
    cluster.network(SLAVE).db.thaw();
    cluster.network(MASTER).mq?.thaw();
    for (const node of [cluster.master, cluster.slave])
      await eventually(async () => (await node.status()).state === 'running', { within: 20_000 });
  });

  test('f49 PostgreSQL has no disk left: try later, sockets stay, well again by itself', async () => {
    const cluster = cleanup.add(await startCluster(), it => it.stop());
    const steady = cleanup.add(await SteadyOperator.start(cluster.slave.url, 'op1'), it => it.stop());
    const visitor = await Visitor.init(cluster.master.url);
    await sendSurely(visitor, 'f49 before', 'f49-before');
    await cluster.database.query(
      `create function full_disk() returns trigger language plpgsql as $$
       begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$`,
    );
    for (const table of ['change_log', 'node', 'lease', 'message'])
      await cluster.database.query(`create trigger full_disk before insert or update on ${table} execute function full_disk()`);
    assert.deepEqual(await postOnce(cluster, MASTER, visitor, 'f49 during'), TRY_LATER);
    await eventually(async () => (await fetch(`${cluster.master.url}/readyz`)).status === 503);
    for (const table of ['change_log', 'node', 'lease', 'message']) await cluster.database.query(`drop trigger full_disk on ${table}`);
    await sendSurely(visitor, 'f49 during', 'f49-during');
    await assertHeard(steady, ['f49 before', 'f49 during']);
    assert.equal(steady.reconnects, 0);
    await eventually(async () => (await cluster.master.status()).state === 'running');
    await assertInvariants(cluster.database);
  });
});
