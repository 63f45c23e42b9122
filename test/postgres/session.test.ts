/**
 * What is set for the server, the role or the database changes nothing on any connection of a node or a command, directly and through a
 * pooler; a server that is maintained (read-only) is waited for. The store suite under such defaults: store.test.ts.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createMessages } from '../../src/postgres/messages.ts';
import { Database } from '../../src/postgres/database.ts';
import { troubleOf } from '../../src/postgres/failures.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { createStore } from '../../src/postgres/store.ts';
import { BEGIN } from '../../src/postgres/session.ts';
import { KeySet } from '../../src/commit/key-set.ts';
import { Cleanup } from '../support/cleanup.ts';
import { eventually } from '../support/eventually.ts';
import { HOSTILE, makeDecoys, setHostileDefaults } from '../support/hostile-defaults.ts';
import { startPgBouncer, whyNoPgBouncer } from '../support/pgbouncer.ts';
import { type PrivatePostgres, startPrivatePostgres } from '../support/private-postgres.ts';
import { Folder, type NodeProcess, startNodeProcess } from '../support/process.ts';
import { Visitor } from '../support/visitor.ts';

/** As PostgreSQL shows what we rely on. */
const OURS: Readonly<Record<string, string>> = {
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  array_nulls: 'on',
  standard_conforming_strings: 'on',
  transform_null_equals: 'off',
  bytea_output: 'hex',
  extra_float_digits: '1',
  xmloption: 'content',
  quote_all_identifiers: 'off',
  client_encoding: 'UTF8',
  search_path: 'public, pg_temp',
  transaction_isolation: 'read committed',
  transaction_read_only: 'off',
  row_security: 'on',
  gin_fuzzy_search_limit: '0',
  synchronous_commit: 'on',
  idle_session_timeout: '0',
};

describe('a session of ours', () => {
  const all = new Cleanup();
  let server: PrivatePostgres;

  before(async () => {
    // Of the server: all that is not about who may write, which is another test.
    const { default_transaction_read_only: _, ...ofServer } = HOSTILE;
    const settings = Object.fromEntries(
      Object.entries(ofServer).map(([name, value]) => [name, `'${name === 'statement_timeout' ? '1s' : value}'`]),
    );
    delete settings['idle_session_timeout']; // the test's own sessions live under these
    delete settings['transaction_timeout'];
    delete settings['idle_in_transaction_session_timeout'];
    server = all.add(await startPrivatePostgres(settings), it => it.remove());
    await server.query('create role chat login');
    for (const name of ['direct', 'pooled', 'maintained']) await server.query(`create database ${name} owner chat`);
    for (const name of ['direct', 'pooled']) await makeDecoys(sql => server.query(sql, name));
    await setHostileDefaults(sql => server.query(sql), 'role chat in database direct');
    // Behind a pooler time limits end connections that it keeps open for others, or are over before we have said a word.
    const limits = Object.keys(HOSTILE).filter(name => name.endsWith('_timeout') && name !== 'lock_timeout');
    await setHostileDefaults(sql => server.query(sql), 'database pooled', [...limits, 'default_transaction_read_only']);
  });
  after(() => all.run());

  const open = (database: string, pooler: 'none' | 'transaction', port: number): Database =>
    all.add(
      new Database({
        hosts: [{ host: '127.0.0.1', port }],
        database,
        user: 'chat',
        password: undefined,
        pooler,
        applicationName: 'test',
        poolSize: 2,
      }),
      it => it.end(),
    );

  const SHOW = `select ${Object.keys(OURS)
    .map(name => `current_setting('${name}') as "${name}"`)
    .join(', ')}`;

  async function assertOurs(database: Database): Promise<void> {
    assert.deepEqual({ ...(await database.query(SHOW))[0] }, OURS, 'a query of the pool');
    const inside = await database.transaction(BEGIN, async client => (await client.query(SHOW)).rows[0] as object);
    assert.deepEqual({ ...inside }, OURS, 'a transaction');
    const own = await database.connect();
    assert.deepEqual({ ...(await database.queryOn(own, SHOW))[0] }, OURS, 'a connection of its own');
    await own.end();
  }

  test('has our settings on the pool, in transactions and on connections of their own', async () => {
    const database = open('direct', 'none', server.port);
    await assertOurs(database);
    await assertOurs(database.withPool(1));
  });

  test('has them through a pooler in transaction mode too, where the next connection is another', { skip: whyNoPgBouncer() }, async () => {
    const bouncer = all.add(await startPgBouncer({ host: '127.0.0.1', port: server.port, user: 'chat' }), it => it.stop());
    const database = open('pooled', 'transaction', bouncer.port);
    await migrate(database);
    await assertOurs(database);
    // Values of each kind come and go as they do directly, and an error leaves nothing behind.
    const [row] = await database.query<{ n: number; b: Buffer; a: string[]; t: boolean; x: null }>(
      'with w as (select $1::bigint as n, $2::bytea as b, $3::text[] as a, $4::boolean as t, $5::text as x) select * from w',
      [7, Buffer.from([0, 255]), ['a"\\', null, 'NULL'], true, null],
    );
    assert.deepEqual({ ...row }, { n: 7, b: Buffer.from([0, 255]), a: ['a"\\', null, 'NULL'], t: true, x: null });
    await assert.rejects(database.query('select 1 / $1::integer', [0]), { code: '22012' });
    assert.equal((await database.query('update lease set token = token returning token')).length, 1);
    const store = createStore(database);
    await store.begin('00000000-0000-4000-8000-000000000000', new KeySet(), false);
    await store.rollback();
    await store.close();
    assert.equal(await createMessages(database).findChat(1), undefined);
  });

  test('of a node lives on whatever time limits the role has: nothing is connected anew', { timeout: 60_000 }, async () => {
    const node = await startNode('direct');
    const visitor = await Visitor.init(node.url);
    await visitor.send('hello', 'hello');
    const pids = async (): Promise<string> =>
      String(
        (await server.query("select string_agg(pid::text, ' ' order by pid) as pids from pg_stat_activity where usename = 'chat'"))[0]?.[
          'pids'
        ],
      );
    const first = await pids();
    const beat = async (): Promise<number> =>
      Number((await server.query('select extract(epoch from heartbeat_at) as at from public.node', 'direct'))[0]?.['at']);
    const began = await beat();
    await eventually(async () => (await beat()) > began + 1.5, { within: 20_000 }); // many times idle_session_timeout
    await visitor.send('again', 'again');
    const later = (await pids()).split(' ');
    for (const pid of first.split(' ')) assert.ok(later.includes(pid), `${first} became ${later.join(' ')}`);
    assert.deepEqual(node.events('node-state'), []);
    assert.equal(await node.stop(), 0);
  });

  test('waits for a server that is maintained, at the start and later, and says so', { timeout: 60_000 }, async () => {
    const maintain = async (isOn: boolean): Promise<void> => {
      // In a transaction of its own, which says itself that it may write.
      await server.query(isOn ? 'alter system set default_transaction_read_only = on' : 'alter system reset default_transaction_read_only');
      await server.query('select pg_reload_conf()');
      await eventually(
        async () =>
          (await server.query('show default_transaction_read_only'))[0]?.['default_transaction_read_only'] === (isOn ? 'on' : 'off'),
      );
    };
    await maintain(true);
    const starting = startNode('maintained');
    const sessions = async (): Promise<number> =>
      Number((await server.query("select sessions from pg_stat_database where datname = 'maintained'"))[0]?.['sessions']);
    await eventually(async () => (await sessions()) >= 2, { within: 20_000 });
    await maintain(false);
    const node = await starting;
    const waits = node.events('waiting-for-database');
    assert.ok(
      waits.length > 0 &&
        waits.every(({ reason }) => /the server is read-only for now \(its default_transaction_read_only is on\)/.test(String(reason))),
      JSON.stringify(waits),
    );

    await maintain(true);
    await eventually(
      async () => {
        const { state, reason } = (await node.status()) as unknown as { state: string; reason: string };
        assert.equal(state, 'paused');
        assert.match(reason, /read-only/);
      },
      { within: 20_000 },
    );
    await assert.rejects(open('maintained', 'none', server.port).query('select 1'), error => troubleOf(error)?.isRefusal === false);
    await maintain(false);
    await eventually(async () => (await node.status()).state === 'running', { within: 20_000 });
    assert.equal(await node.stop(), 0);
  });

  function startNode(database: string): Promise<NodeProcess> {
    const folder = all.add(new Folder(), it => it.remove());
    folder.write('main.ini', `db_host = 127.0.0.1:${server.port}\ndb_name = ${database}\ndb_username = chat\n`);
    return startNodeProcess(['--config', 'main.ini'], { cwd: folder.path });
  }
});
