/** Several hosts in db_host, in every order: nodes start, commands run and every pool goes on, switched over meanwhile too. */
import assert from 'node:assert/strict';
import dns from 'node:dns/promises';
import { syncBuiltinESMExports } from 'node:module';
import { after, before, describe, test } from 'node:test';
import { checkServices } from '../../src/cli/check-services.ts';
import { clusterStatus } from '../../src/cli/cluster-status.ts';
import { operatorList } from '../../src/cli/staff.ts';
import { loadConfig } from '../../src/config/config.ts';
import { ChatError } from '../../src/domain/error.ts';
import { Database } from '../../src/postgres/database.ts';
import { troubleOf } from '../../src/postgres/failures.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { Cleanup } from '../support/cleanup.ts';
import { eventually } from '../support/eventually.ts';
import { type PrivatePostgres, startPrivatePostgres } from '../support/private-postgres.ts';
import { chatServer, Folder, freePort, startNodeProcess } from '../support/process.ts';
import { Visitor } from '../support/visitor.ts';

const all = new Cleanup();
const NAME = 'several';

describe('several hosts of PostgreSQL', () => {
  let primary: PrivatePostgres;
  let standby: PrivatePostgres;
  let dead: number;

  before(async () => {
    primary = all.add(await startPrivatePostgres(), it => it.remove());
    await primary.query(`create database ${NAME}`);
    standby = all.add(await primary.makeStandby(), it => it.remove());
    dead = await freePort();
  });
  after(() => all.run());

  const place = (port: number): string => `127.0.0.1:${port}`;
  const folderWith = (hosts: string): Folder => {
    const folder = all.add(new Folder(), it => it.remove());
    folder.write('main.ini', `db_host = ${hosts}\ndb_name = ${NAME}\ndb_username = ${primary.user}\n`);
    return folder;
  };
  const open = (hosts: string, poolSize = 2): Database =>
    all.add(
      new Database({
        hosts: hosts.split(', ').map(entry => ({ host: '127.0.0.1', port: Number(entry.split(':')[1]) })),
        database: NAME,
        user: primary.user,
        password: undefined,
        pooler: 'none',
        applicationName: 'test',
        poolSize,
      }),
      it => it.end(),
    );

  describe('in every order of them', () => {
    for (const order of ['dead, primary', 'standby, primary', 'primary, standby']) {
      let folder: Folder;
      const login = order.replaceAll(/\W+/g, '-');
      before(() => {
        const hosts = order.split(', ').map(role => place({ dead, primary: primary.port, standby: standby.port }[role] ?? 0));
        folder = folderWith(hosts.join(', '));
      });
      const commands: readonly (readonly string[])[] = [
        ['migrate'],
        ['operator', 'add', '--login', login, '--fullname', 'Anna', '--password', 'long enough'],
        ['operator', 'list'],
        ['operator', 'set', '--login', login, '--fullname', 'Anne'],
        ['operator', 'passwd', '--login', login, '--password', 'long enough too'],
        ['operator', 'times', '--login', login],
        ['operator', 'disable', '--login', login],
        ['department', 'add', '--key', login, '--name', 'Sales'],
        ['department', 'set', '--key', login, '--name', 'Shop'],
        ['department', 'list'],
        ['cluster', 'status'],
        ['cluster', 'new-epoch'],
        ['check-config', '--connect'],
      ];
      for (const args of commands)
        test(`${order}: ${args.slice(0, 2).join(' ')}`, async () => {
          const { code, stderr } = await chatServer([...args, '--config', 'main.ini'], { cwd: folder.path });
          assert.equal(code, 0, stderr);
        });
      test(`${order}: start, and promote while it runs`, async () => {
        const node = await startNodeProcess(['--config', 'main.ini'], { cwd: folder.path });
        // Refused for what it says, not for where it asked.
        const promoted = await chatServer(['cluster', 'promote', 'nobody', '--config', 'main.ini'], { cwd: folder.path });
        assert.match(promoted.stderr, /there is no node 'nobody'/);
        assert.equal(await node.stop(), 0);
      });
    }
  });

  test('standbys alone are not enough: a command says so, a node waits', async () => {
    const folder = all.add(new Folder(), it => it.remove());
    folder.write('main.ini', `db_host = ${place(standby.port)}, ${place(dead)}\ndb_name = ${NAME}\ndb_username = ${primary.user}\n`);
    const { code, stderr } = await chatServer(['operator', 'list', '--config', 'main.ini'], { cwd: folder.path });
    assert.equal(code, 69);
    assert.match(stderr, /PostgreSQL cannot be reached: 127\.0\.0\.1:\d+: the server is a standby; 127\.0\.0\.1:\d+: connect ECONNREFUSED/);
    assert.doesNotMatch(stderr, /bug/);
  });

  test('switched over meanwhile: pools, transactions and own connections go to the new one without an error that stays', async () => {
    const database = open(`${place(primary.port)}, ${place(standby.port)}`);
    await migrate(database);
    const folder = folderWith(`${place(primary.port)}, ${place(standby.port)}`);
    const node = all.add(await startNodeProcess(['--config', 'main.ini'], { cwd: folder.path }), it => it.stop());
    const { config } = loadConfig({ configFile: undefined, flags: {}, env: {}, cwd: folder.path });
    await Promise.all(Array.from({ length: 4 }, () => database.query('select 1')));
    await primary.query(`checkpoint`);
    await primary.stop();
    // Commands that come in between, when there is no primary, wait for the next one.
    const between = [operatorList(config), clusterStatus(config), checkServices(config)] as const;
    await assert.rejects(database.query('select 1'), error => troubleOf(error)?.mayComeSoon === true);
    await standby.promote();
    const [, , [checked]] = await Promise.all(between);
    assert.equal(checked?.isRight, true);
    // The old one comes back as a standby, as after any switch-over.
    await primary.becomeStandby();
    const writable = async (): Promise<boolean> =>
      (await database.query<{ standby: boolean }>('select pg_is_in_recovery() as standby'))[0]?.standby === false;
    await eventually(writable, { within: 10_000 });
    for (let i = 0; i < 20; i++) assert.ok(await writable());
    await database.transaction('begin', client => client.query('create table written_after (n integer)'));
    const own = await database.connect();
    await own.query('insert into written_after values (1)');
    await own.end();
    assert.equal((await database.query<{ n: number }>('select n from written_after')).length, 1);
    await eventually(async () => (await node.status()).state === 'running', { within: 20_000 });
    const visitor = await Visitor.init(node.url);
    await eventually(() => visitor.send('after the switch', 'after'), { within: 20_000 });
    assert.equal(await node.stop(), 0);
  });

  for (const addresses of [
    ['127.0.0.2', '127.0.0.1'],
    ['127.0.0.1', '127.0.0.2'],
    ['127.0.0.3', '127.0.0.2', '127.0.0.1'],
  ])
    test(`a name with the addresses ${addresses.join(', ')}, of which one has a server: commands and a node find it`, async () => {
      const server = standby; // the primary since the switch
      const folder = folderWith(`db.test:${server.port}`);
      const { config } = loadConfig({ configFile: undefined, flags: {}, env: {}, cwd: folder.path });
      const found = JSON.stringify(addresses.map(address => ({ address, family: 4 })));
      const { lookup } = dns;
      dns.lookup = () => Promise.resolve(JSON.parse(found));
      syncBuiltinESMExports();
      try {
        await operatorList(config);
        await clusterStatus(config);
        assert.equal((await checkServices(config))[0]?.isRight, true);
      } finally {
        dns.lookup = lookup;
        syncBuiltinESMExports();
      }
      const patch = `import dns from 'node:dns/promises'; import { syncBuiltinESMExports } from 'node:module'; dns.lookup = async () => ${found}; syncBuiltinESMExports();`;
      const node = await startNodeProcess(['--config', 'main.ini'], {
        cwd: folder.path,
        nodeFlags: ['--import', `data:text/javascript,${encodeURIComponent(patch)}`],
      });
      assert.equal(await node.stop(), 0);
    });

  test('a pooled connection whose server has become read-only is given up, and the query done elsewhere', async () => {
    const [first, second] = [standby, primary]; // since the switch
    assert.equal((await second.query('select pg_is_in_recovery() as r'))[0]?.['r'], true);
    const database = open(`${place(second.port)}, ${place(first.port)}`, 1);
    await database.query('create table if not exists read_only (n integer)');
    await database.query('set session characteristics as transaction read only');
    await assert.doesNotReject(database.query('insert into read_only values (1)'));
    assert.equal((await database.query('select n from read_only')).length, 1);
  });

  test('a former primary that comes back is not written to while it is known that another was promoted', async () => {
    const old = all.add(await startPrivatePostgres(), it => it.remove());
    await old.query(`create database ${NAME}`);
    const promoted = all.add(await old.makeStandby(), it => it.remove());
    const database = open(`${place(old.port)}, ${place(promoted.port)}`);
    await database.query('create table said (text text)');
    await eventually(async () => (await promoted.query('select text from said', NAME)).length === 0);
    await old.stop('SIGKILL');
    await promoted.promote();
    await eventually(() => database.query("insert into said values ('after the promotion')"), { within: 10_000 });
    await old.start(); // nobody has fenced it
    await promoted.stop();
    await assert.rejects(database.query('select text from said'), error =>
      /former primary \(timeline 1/.test(troubleOf(error)?.message ?? ''),
    );
    await promoted.start();
    await eventually(async () => (await database.query('select text from said')).length === 1, { within: 10_000 });
  });

  test('connections that are cut, idle or in use, end no process, and are told as try later', async () => {
    const faults: unknown[] = [];
    const hear = (error: unknown): void => void faults.push(error);
    process.on('uncaughtException', hear);
    try {
      const server = all.add(await startPrivatePostgres(), it => it.remove());
      await server.query(`create database ${NAME}`);
      const database = open(place(server.port), 5);
      const talk = { isOver: false };
      const kinds = new Map<string, number>();
      const work = async (): Promise<void> => {
        while (!talk.isOver) {
          const done =
            Math.random() < 0.5
              ? database.query('select pg_sleep(0.002)')
              : database.transaction('begin', async client => {
                  await client.query('select 1');
                  await new Promise(setImmediate);
                  return client.query('select 2');
                });
          const kind = await done.then(
            () => 'done',
            (error: unknown) => (error instanceof ChatError ? error.reason : String(error)),
          );
          kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
        }
      };
      const working = Promise.all(Array.from({ length: 8 }, work));
      for (let i = 0; i < 60; i++) {
        await server.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${NAME}'`);
        await new Promise(resolve => setTimeout(resolve, 20));
      }
      talk.isOver = true;
      await working;
      assert.deepEqual([...kinds.keys()].sort(), ['done', 'server-not-ready'], JSON.stringify([...kinds]));
      assert.deepEqual(faults, []);
    } finally {
      process.off('uncaughtException', hear);
    }
  });
});
