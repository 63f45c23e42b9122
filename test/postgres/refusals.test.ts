/**
 * What an administrator has not set up right in PostgreSQL or RabbitMQ is told in the server's own words: by a command and by a node that
 * starts, which end with 78, and by `check-config --connect`. A node that runs goes on trying.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { checkServices } from '../../src/cli/check-services.ts';
import { exitCodeOf, sentenceOf } from '../../src/cli/exit.ts';
import { openDatabase } from '../../src/cli/open-database.ts';
import { operatorList } from '../../src/cli/staff.ts';
import { type Config, loadConfig } from '../../src/config/config.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { tryBrokers } from '../../src/rabbitmq/try-broker.ts';
import { mqServer } from '../support/broker.ts';
import { Cleanup } from '../support/cleanup.ts';
import { clusterJson } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { type PrivatePostgres, startPrivatePostgres, systemPostgresFolder } from '../support/private-postgres.ts';
import { chatServer, type Finished, Folder, startNodeProcess } from '../support/process.ts';

const all = new Cleanup();
/** `closed` is open to the superuser alone. */
const HBA = `host wants_password chat 127.0.0.1/32 scram-sha-256
host all postgres 127.0.0.1/32 trust
host closed all 127.0.0.1/32 reject
host all all 127.0.0.1/32 trust
`;
const NO_LINE = `host all postgres 127.0.0.1/32 trust
`;

const NEEDS_RIGHT = /permission denied for .*the user needs this right/;

/** What is asked of the server, where main.ini differs from `db_name = installed`, `db_username = chat`, and what is said. */
interface Cell {
  readonly name: string;
  readonly ini?: string;
  readonly says: RegExp;
}

const REFUSED: readonly Cell[] = [
  {
    name: 'a wrong password',
    ini: 'db_name = wants_password\ndb_password = wrong',
    says: /password authentication failed for user "chat": check db_username and db_password/,
  },
  { name: 'no password where one is wanted', ini: 'db_name = wants_password', says: /password/ },
  {
    name: 'a login that pg_hba.conf rejects',
    ini: 'db_name = closed',
    says: /pg_hba\.conf rejects connection for host.*check db_username, db_tls, and the lines of pg_hba\.conf/,
  },
  {
    name: 'a database that is missing',
    ini: 'db_name = nowhere',
    says: /database "nowhere" does not exist: .*createdb --owner chat --encoding UTF8 --locale C --template template0 nowhere/,
  },
  { name: 'a user that is missing', ini: 'db_username = nobody', says: /role "nobody" does not exist/ },
  { name: 'a user who may not log in', ini: 'db_username = asleep', says: /role "asleep" is not permitted to log in/ },
  { name: 'a user who may not connect', ini: 'db_name = guarded', says: /permission denied for database "guarded"/ },
  {
    name: 'a user who may not make tables',
    ini: 'db_name = bare',
    says: /permission denied.*owner to "chat".*grant usage, create on schema public to "chat"/,
  },
  {
    name: "a user who may not read another's tables",
    ini: 'db_name = installed\ndb_username = reader',
    says: NEEDS_RIGHT,
  },
  { name: 'tables in another schema', ini: 'db_name = elsewhere', says: /the tables are in schema 'chat'.*rename to public/ },
  { name: 'no schema public', ini: 'db_name = unpublic', says: /no schema public: create schema public authorization "chat"/ },
  ...['SQL_ASCII', 'LATIN1', 'EUC_JP', 'WIN1251'].map(encoding => ({
    name: `the encoding ${encoding}`,
    ini: `db_name = in_${encoding.toLowerCase()}`,
    says: new RegExp(
      `is ${encoding}.* must be UTF8.*createdb --owner chat --encoding UTF8 --locale C --template template0 in_${encoding.toLowerCase()}`,
    ),
  })),
];

describe('what an administrator has not set up right', () => {
  let server: PrivatePostgres;

  before(async () => {
    server = all.add(await startPrivatePostgres({}, { hba: HBA }), it => it.remove());
    for (const role of ["chat login password 'right'", 'asleep nologin', 'reader login', 'few login connection limit 0'])
      await server.query(`create role ${role}`);
    for (const name of ['installed', 'wants_password', 'closed', 'elsewhere', 'unpublic'])
      await server.query(`create database ${name} owner chat`);
    for (const name of ['guarded', 'bare']) await server.query(`create database ${name}`);
    await server.query('revoke connect on database guarded from public');
    await server.query('drop schema public', 'unpublic');
    await server.query('create schema chat create table schema_migration (n integer) create table installation (n integer)', 'elsewhere');
    for (const encoding of ['SQL_ASCII', 'LATIN1', 'EUC_JP', 'WIN1251'])
      await server.query(`create database in_${encoding.toLowerCase()} owner chat encoding '${encoding}' locale 'C' template template0`);
    assert.equal((await run('', 'migrate')).code, 0);
  });
  after(() => all.run());

  function folderWith(ini: string, port = server.port): Folder {
    const folder = all.add(new Folder(), it => it.remove());
    folder.write('main.ini', `db_host = 127.0.0.1:${port}\ndb_name = installed\ndb_username = chat\n${ini}\n`);
    return folder;
  }

  function configWith(ini: string): Config {
    const { path: cwd } = folderWith(ini);
    return loadConfig({ configFile: 'main.ini', flags: {}, env: {}, cwd }).config;
  }

  function run(ini: string, ...args: string[]): Promise<Finished> {
    return chatServer([...args, '--config', 'main.ini'], { cwd: folderWith(ini).path });
  }

  for (const { name, ini = '', says } of REFUSED)
    test(`${name} is told to commands, a starting node and check-config in words, and ends them with 78`, async () => {
      const config = configWith(ini);
      const ways: Record<string, () => Promise<unknown>> = {
        'a command': () => operatorList(config),
        'a starting node': async () => {
          const opened = await openDatabase(config, { waiting: () => undefined, signal: AbortSignal.timeout(20_000) });
          await migrate(opened!.direct).finally(() => opened!.close());
        },
      };
      for (const [way, go] of Object.entries(ways))
        await assert.rejects(go, (error: unknown) => {
          assert.match(sentenceOf(error), says, way);
          assert.doesNotMatch(sentenceOf(error), /bug|\n\s+at /);
          return exitCodeOf(error) === 78;
        });
      const [checked] = await checkServices(config);
      if (says === NEEDS_RIGHT) return; // who may only read may find that all is up to date
      assert.match(checked!.sentence, says);
      assert.equal(checked!.exitCode, 78);
    });

  test('the processes end so: a command, a node that starts, check-config', async () => {
    const { ini = '', says } = REFUSED[0]!;
    for (const command of [
      ['operator', 'list'],
      ['start', '--port', '0'],
      ['check-config', '--connect'],
    ]) {
      const { code, stderr } = await run(ini, ...command);
      assert.equal(code, 78, stderr);
      assert.match(stderr, says);
    }
  });

  test('too many connections are told in words, and are no reason not to try again', async () => {
    const { code, stderr } = await run('db_username = few', 'operator', 'list');
    assert.equal(code, 69);
    assert.match(stderr, /too many connections for role "few"/);
    await server.query('alter database installed owner to few');
    const starting = startNodeProcess(['--config', 'main.ini'], { cwd: folderWith('db_username = few').path });
    await server.query('grant all on all tables in schema public to few; grant all on all sequences in schema public to few', 'installed');
    await server.query('alter role few connection limit 100');
    const node = await starting;
    assert.equal(await node.stop(), 0);
    await server.query('alter database installed owner to chat');
  });

  test('the command that is told makes a database that can be used, and so does that of docs/two-hosts.md under LANG=C', {
    skip: whyNoCreatedb(),
  }, async () => {
    const programs = systemPostgresFolder() ?? '';
    const plain = all.add(await startPrivatePostgres({}, { programs, initdb: ['--encoding=SQL_ASCII'] }), it => it.remove());
    await plain.query('create role chat login');
    const make = (command: string): void => {
      const [, ...args] = (/createdb [\w\s.-]+/.exec(command)?.[0] ?? '').trim().split(/\s+/);
      const env = { PATH: process.env['PATH'], LANG: 'C', PGHOST: '127.0.0.1', PGPORT: String(plain.port), PGUSER: plain.user };
      execFileSync(path.join(programs, 'bin/createdb'), args, { env });
    };
    const migrate = (db: string): Promise<Finished> =>
      chatServer(['migrate', '--config', 'main.ini'], { cwd: folderWith(`db_name = ${db}`, plain.port).path });
    await plain.query('create database told owner chat');
    const refused = await migrate('told');
    assert.equal(refused.code, 78);
    await plain.query('drop database told');
    make(refused.stderr);
    assert.equal((await migrate('told')).code, 0);
    make(/createdb .*/.exec(readFileSync(path.resolve(import.meta.dirname, '../../docs/two-hosts.md'), 'utf8'))?.[0] ?? '');
    assert.equal((await migrate('chat')).code, 0);
  });

  test('a node that runs does not end for it: it pauses, says why, and goes on when it is put right', async () => {
    const node = all.add(await startNodeProcess(['--config', 'main.ini'], { cwd: folderWith('').path }), it => it.stop());
    const hba = path.join(String((await server.query('show data_directory'))[0]?.['data_directory']), 'pg_hba.conf');
    const cut = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'chat'";
    const wrongs: readonly [string, () => unknown, () => unknown][] = [
      ['no pg_hba.conf entry', () => writeFileSync(hba, NO_LINE), () => writeFileSync(hba, HBA)],
      [
        'permission denied for',
        () => server.query('alter table node owner to postgres', 'installed'),
        () => server.query('alter table node owner to chat', 'installed'),
      ],
    ];
    for (const [words, spoil, mend] of wrongs) {
      await spoil();
      await server.query('select pg_reload_conf()');
      await eventually(
        async () => {
          await server.query(cut);
          const { state, reason } = (await node.status()) as unknown as { state: string; reason: string };
          assert.equal(state, 'paused');
          assert.ok(reason.includes(words), reason);
        },
        { within: 20_000, every: 200 },
      );
      assert.equal(node.child.exitCode, null);
      await mend();
      await server.query('select pg_reload_conf()');
      await eventually(async () => (await node.status()).state === 'running', { within: 20_000, every: 200 });
    }
    assert.equal(await node.stop(), 0);
  });

  test('a wrong user, password or virtual host of the broker is told by check-config --connect and is 78; one that is away is 69', async () => {
    const server = mqServer();
    const guest = { hosts: [server], username: 'guest', password: 'guest', virtualHost: '/', prefix: 'check-config-test' };
    const dead = { host: '127.0.0.1', port: 1 };
    const table = [
      [{}, [true], [false], /^RabbitMQ at /],
      [{ password: 'wrong' }, [false], [true], /login refused for user guest/],
      [{ username: 'nobody' }, [false], [true], /login refused for user nobody/],
      [{ virtualHost: 'nowhere' }, [false], [true], /virtual host nowhere does not exist or user guest may not enter it/],
      [{ prefix: 'amq' }, [false], [true], /ACCESS_REFUSED/],
      [{ hosts: [dead] }, [false], [false], /127\.0\.0\.1:1: connection refused/],
      [{ hosts: [dead, server] }, [false, true], [false, false], /127\.0\.0\.1:1: connection refused/],
    ] as const;
    for (const [wrong, isUp, isRefused, says] of table) {
      const trials = await tryBrokers({ ...guest, ...wrong });
      assert.deepEqual(
        trials.map(trial => [trial.isUp, trial.isRefused]),
        isUp.map((up, i) => [up, isRefused[i]]),
        JSON.stringify(wrong),
      );
      assert.match(trials[0]!.sentence, says);
    }
    const folder = folderWith(`mq_host = ${server.host}:${server.port}\nmq_password = wrong\ndb_name = nowhere`);
    folder.write('cluster.json', clusterJson(['chat-master', 'chat-slave']));
    const flags = ['--node_name', 'chat-master', '--cluster_config', 'cluster.json', '--multinode_mode', 'master'];
    const both = await chatServer(['check-config', '--connect', '--config', 'main.ini', ...flags], { cwd: folder.path });
    assert.equal(both.code, 78);
    assert.match(both.stderr, /^database: .*database "nowhere" does not exist.*\nbroker: .*login refused for user guest\n$/);
  });
});

function whyNoCreatedb(): string | false {
  return systemPostgresFolder() === undefined ? "the system's PostgreSQL is not installed" : false;
}
