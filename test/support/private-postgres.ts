/**
 * PostgreSQL servers of a test's own, made of the binaries of the embedded one: to be stopped, killed, copied into a
 * standby and promoted.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { appendFileSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
  /** The connection to the primary is given up: what comes there is not seen here. */
  stopFollowing(): Promise<void>;
  remove(): Promise<void>;
}

const USER = 'postgres';

/** `settings` go into postgresql.conf. */
export async function startPrivatePostgres(settings: Readonly<Record<string, string>> = {}): Promise<PrivatePostgres> {
  const home = mkdtempSync(path.join(tmpdir(), 'tandem-postgres-'));
  const account = accountForRoot();
  own(home, account);
  const data = path.join(home, 'data');
  execFileSync(
    path.join(postgres(account), 'bin/initdb'),
    ['-D', data, '-U', USER, '-A', 'trust', '--encoding=UTF8', '--locale=C', '--no-sync'],
    {
      ...account,
      cwd: home,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: environment(postgres(account)),
    },
  );
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
  appendFileSync(path.join(data, 'postgresql.conf'), lines.join(''));
  return startServer(home, data, account);
}

async function startServer(home: string, data: string, account: Account | undefined): Promise<PrivatePostgres> {
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
        path.join(postgres(account), 'bin/postgres'),
        ['-D', data, '-c', `port=${port}`, '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'wal_keep_size=64'],
        { ...account, cwd: home, env: environment(postgres(account)), stdio: 'ignore', detached: true },
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
