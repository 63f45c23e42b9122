/**
 * PostgreSQL servers of a test's own, made of the binaries of the embedded one: to be stopped, killed, copied into a
 * standby and promoted.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { appendFileSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { type Account, accountForRoot, binaries, environment } from '../../src/postgres/embedded.ts';
import type { TestDatabase } from './database.ts';
import { eventually } from './eventually.ts';
import { freePort } from './process.ts';

export interface PrivatePostgres {
  readonly host: '127.0.0.1';
  readonly port: number;
  readonly user: string;
  query(sql: string, database?: string): Promise<Record<string, unknown>[]>;
  start(): Promise<void>;
  /** Fast shutdown, or kill -9 of the postmaster; its children end when they notice. */
  stop(signal?: 'SIGINT' | 'SIGKILL'): Promise<void>;
  /** A standby that follows this server; started. This server is stopped for a moment while its files are copied. */
  makeStandby(): Promise<PrivatePostgres>;
  promote(): Promise<void>;
  /** Of a stopped one, which was the primary: started as a standby that follows nobody. */
  becomeStandby(): Promise<void>;
  /** The connection to the primary is given up: what comes there is not seen here. */
  stopFollowing(): Promise<void>;
  /** Copies of its files for later: while it runs (a base backup), or with a stop in between (a copied folder). Where they are. */
  backUp(how: 'running' | 'stopped'): Promise<string>;
  /** Files of before in the place of those of now; started. With `until`, the archive's WAL is followed up to this restore point. */
  putInPlace(backup: string, until?: string): Promise<void>;
  /** By pg_dump; only of a server of the system's PostgreSQL. Where the dump is. */
  dump(database: string): Promise<string>;
  /** A fresh cluster in its place, with the dump loaded; started. */
  loadAnew(dump: string, database: string): Promise<void>;
  remove(): Promise<void>;
}

/** The folder of the system's own PostgreSQL, which has pg_dump; undefined: there is none. */
export function systemPostgresFolder(): string | undefined {
  const home = '/usr/lib/postgresql';
  const versions = existsSync(home) ? readdirSync(home).filter(version => existsSync(path.join(home, version, 'bin/pg_dump'))) : [];
  const newest = versions.sort((a, b) => Number(a) - Number(b)).at(-1);
  return newest === undefined ? undefined : path.join(home, newest);
}

const USER = 'postgres';

interface Place {
  /** PostgreSQL's programs. */
  readonly programs: string;
  /** What is the server's own: data, archive, backups. */
  readonly home: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly account: Account | undefined;
}

/** `settings` go into postgresql.conf. `programs`: of another PostgreSQL than the embedded one. `hba`: who is let in how. `initdb`: further flags. */
export async function startPrivatePostgres(
  settings: Readonly<Record<string, string>> = {},
  {
    programs,
    archiving = false,
    hba,
    initdb = [],
  }: { readonly programs?: string; readonly archiving?: boolean; readonly hba?: string; readonly initdb?: readonly string[] } = {},
): Promise<PrivatePostgres> {
  const home = mkdtempSync(path.join(tmpdir(), 'tandem-postgres-'));
  const account = accountForRoot();
  own(home, account);
  const archive = path.join(home, 'archive');
  mkdirSync(archive);
  own(archive, account);
  const place: Place = {
    programs: programs ?? postgres(account),
    home,
    settings: archiving ? { ...settings, archive_mode: 'on', archive_command: `'cp %p ${archive}/%f'` } : settings,
    account,
  };
  initialise(place, initdb);
  if (hba !== undefined) writeFileSync(path.join(home, 'data/pg_hba.conf'), hba);
  return startServer(place);
}

function initialise({ programs, home, settings, account }: Place, further: readonly string[] = []): void {
  const data = path.join(home, 'data');
  const flags = ['-D', data, '-U', USER, '-A', 'trust', '--encoding=UTF8', '--locale=C', '--no-sync', ...further];
  execFileSync(path.join(programs, 'bin/initdb'), flags, {
    ...account,
    cwd: home,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: environment(programs),
  });
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
  appendFileSync(path.join(data, 'postgresql.conf'), lines.join(''));
}

async function startServer(place: Place): Promise<PrivatePostgres> {
  const { programs, home, account } = place;
  const data = path.join(home, 'data');
  let copies = 0;
  const port = await freePort();
  let child: ChildProcess | undefined;
  const run = async (sql: string, database = 'postgres'): Promise<Record<string, unknown>[]> => {
    const client = new pg.Client({ host: '127.0.0.1', port, user: USER, database });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  };
  /** This process was ended in the middle. */
  const abandon = (): void => {
    child?.kill('SIGQUIT');
    rmSync(home, { recursive: true, force: true });
  };
  const server: PrivatePostgres = {
    host: '127.0.0.1',
    port,
    user: USER,
    query: run,
    async start() {
      child = spawn(
        path.join(programs, 'bin/postgres'),
        ['-D', data, '-c', `port=${port}`, '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'wal_keep_size=64'],
        { ...account, cwd: home, env: environment(programs), stdio: 'ignore', detached: true },
      );
      process.once('exit', abandon);
      await eventually(() => run('select 1'), { within: 20_000, every: 50 });
    },
    async stop(signal = 'SIGINT') {
      const ending = child;
      child = undefined;
      process.off('exit', abandon);
      if (ending?.pid === undefined || ending.exitCode !== null) return;
      const exited = new Promise(resolve => ending.once('exit', resolve));
      process.kill(ending.pid, signal);
      await exited;
      rmSync(path.join(data, 'postmaster.pid'), { force: true });
    },
    async makeStandby() {
      await server.stop();
      const standbyHome = mkdtempSync(path.join(tmpdir(), 'tandem-standby-'));
      own(standbyHome, account);
      const copy = path.join(standbyHome, 'data');
      execFileSync('cp', ['-a', data, copy]);
      await server.start();
      writeFileSync(path.join(copy, 'standby.signal'), '');
      own(path.join(copy, 'standby.signal'), account);
      appendFileSync(path.join(copy, 'postgresql.conf'), `primary_conninfo = 'host=127.0.0.1 port=${port} user=${USER}'\n`);
      return startServer({ ...place, home: standbyHome });
    },
    async promote() {
      await run('select pg_promote(true, 10)');
      await eventually(async () => (await run('select pg_is_in_recovery() as r'))[0]?.['r'] === false);
    },
    async becomeStandby() {
      writeFileSync(path.join(data, 'standby.signal'), '');
      own(path.join(data, 'standby.signal'), account);
      await server.start();
    },
    async stopFollowing() {
      await run("alter system set primary_conninfo = ''");
      await run('select pg_reload_conf()');
      await eventually(async () => (await run('select 1 from pg_stat_wal_receiver')).length === 0);
    },
    async backUp(how) {
      const copy = path.join(home, `copy-${copies++}`);
      if (how === 'stopped') {
        await server.stop();
        execFileSync('cp', ['-a', data, copy]);
        await server.start();
        return copy;
      }
      const client = new pg.Client({ host: '127.0.0.1', port, user: USER, database: 'postgres' });
      await client.connect();
      try {
        await client.query("select pg_backup_start('test', true)");
        copyWhileItRuns(data, copy);
        const { rows } = await client.query<{ labelfile: string }>('select labelfile from pg_backup_stop(false)');
        writeFileSync(path.join(copy, 'backup_label'), rows[0]?.labelfile ?? '');
        own(path.join(copy, 'backup_label'), account);
        // What the backup needs of the WAL; without an archive it is still here.
        for (const file of readdirSync(path.join(data, 'pg_wal')))
          if (/^[0-9A-F]{24}$/.test(file)) execFileSync('cp', ['-a', path.join(data, 'pg_wal', file), path.join(copy, 'pg_wal', file)]);
      } finally {
        await client.end();
      }
      return copy;
    },
    async putInPlace(backup, until) {
      await server.stop();
      rmSync(data, { recursive: true, force: true });
      execFileSync('cp', ['-a', backup, data]);
      rmSync(path.join(data, 'postmaster.pid'), { force: true });
      if (until !== undefined) {
        appendFileSync(
          path.join(data, 'postgresql.conf'),
          `restore_command = 'cp ${path.join(home, 'archive')}/%f %p'\nrecovery_target_name = '${until}'\nrecovery_target_action = 'promote'\n`,
        );
        writeFileSync(path.join(data, 'recovery.signal'), '');
        own(path.join(data, 'recovery.signal'), account);
      }
      await server.start();
      await eventually(async () => (await run('select pg_is_in_recovery() as r'))[0]?.['r'] === false, { within: 20_000 });
    },
    dump(database) {
      const file = path.join(home, `dump-${copies++}.sql`);
      execFileSync(path.join(programs, 'bin/pg_dump'), ['-h', '127.0.0.1', '-p', String(port), '-U', USER, '-f', file, database], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      return Promise.resolve(file);
    },
    async loadAnew(dump, database) {
      await server.stop();
      rmSync(data, { recursive: true, force: true });
      initialise(place);
      await server.start();
      await run(`create database ${database}_loading`);
      execFileSync(
        path.join(programs, 'bin/psql'),
        ['-q', '-v', 'ON_ERROR_STOP=1', '-h', '127.0.0.1', '-p', String(port), '-U', USER, '-d', `${database}_loading`, '-f', dump],
        { stdio: ['ignore', 'ignore', 'pipe'] },
      );
      await run(`alter database ${database}_loading rename to ${database}`);
    },
    async remove() {
      await server.stop('SIGINT');
      rmSync(home, { recursive: true, force: true });
    },
  };
  await server.start();
  return server;
}

/** Files may go while they are copied: that is what a base backup allows for. */
function copyWhileItRuns(from: string, to: string): void {
  try {
    execFileSync('cp', ['-a', from, to], { stdio: ['ignore', 'ignore', 'ignore'] });
  } catch {
    // cp says so by its exit code when one has gone
  }
  rmSync(path.join(to, 'postmaster.pid'), { force: true });
}

let folder: string | undefined;

/** The folder of PostgreSQL's programs, one for each test process. */
function postgres(account: Account | undefined): string {
  if (folder === undefined) {
    const home = mkdtempSync(path.join(tmpdir(), 'tandem-postgres-bin-'));
    own(home, account);
    process.once('exit', () => rmSync(home, { recursive: true, force: true }));
    folder = binaries(home, account);
  }
  return folder;
}

function own(file: string, account: Account | undefined): void {
  if (account !== undefined) chownSync(file, account.uid, account.gid);
}

/** A database of this name on whichever of the servers can be written to at the moment. */
export async function databaseOn(servers: readonly PrivatePostgres[], name: string): Promise<TestDatabase> {
  const [first] = servers;
  if (first === undefined) throw new Error('no server');
  await first.query(`create database ${name}`);
  return {
    host: first.host,
    port: first.port,
    user: USER,
    password: undefined,
    name,
    open: () => {
      throw new Error('not on servers that change');
    },
    async query(text) {
      for (const server of servers) {
        try {
          const [state] = await server.query('select pg_is_in_recovery() as standby', name);
          if (state?.['standby'] === false) return (await server.query(text, name)) as never;
        } catch (error) {
          if (!(error instanceof Error && 'code' in error && /^(ECONNREFUSED|57P0\d|ECONNRESET)$/.test(String(error.code)))) throw error;
        }
      }
      throw new Error('no server can be written to');
    },
    drop: () => Promise.resolve(),
  };
}
