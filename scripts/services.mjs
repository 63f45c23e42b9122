// Finds or provides what a cluster and the tests need beside Node: what is named or runs on localhost is used, what is
// installed is started in a folder of ours, what is missing is installed when we may (root on Debian), else exit 69.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fail, findProgram, freePort, isListening, MAIN, ROOT, say, waitUntil } from './prepare.mjs';

// Debian's programs on the PATH drop root and the environment; these behind them run as we say.
const RABBIT = '/usr/lib/rabbitmq/bin/rabbitmq-server';
const RABBITMQCTL = '/usr/lib/rabbitmq/bin/rabbitmqctl';

/** npm has no prototype.js. */
const PROTOTYPE = '/usr/share/javascript/prototype/prototype.js';

const PROGRAMS = {
  nginx: () => findProgram('nginx'),
  pgbouncer: () => findProgram('pgbouncer'),
  iproute2: () => findProgram('ip'),
  nftables: () => findProgram('nft'),
  systemd: () => findProgram('systemd-analyze'),
  'libjs-prototype': () => [PROTOTYPE].find(existsSync),
  'redis-server': () => findProgram('redis-server'),
  chromium: () => findProgram('chromium') ?? findProgram('chromium-browser') ?? findProgram('google-chrome'),
  'rabbitmq-server': () => {
    const found = findProgram('rabbitmq-server');
    return found !== undefined && existsSync(RABBIT) ? RABBIT : found;
  },
};

/**
 * Makes sure that these Debian packages' programs are there; returns their paths. `hasService` names those that need
 * not be installed because what they would run is running already.
 */
export function ensurePrograms(packages, hasService = []) {
  const missing = packages.filter(name => !hasService.includes(name) && PROGRAMS[name]() === undefined);
  const failure = missing.length === 0 ? undefined : install(missing);
  if (failure !== undefined) fail(69, failure);
  return Object.fromEntries(packages.map(name => [name, PROGRAMS[name]()]));
}

/** Installs these if it can; what needs them is left out otherwise, and says so. */
export function offerPrograms(packages) {
  const missing = packages.filter(name => PROGRAMS[name]() === undefined);
  const failure = missing.length === 0 ? undefined : install(missing);
  if (failure !== undefined) say(`some tests will be skipped: ${failure}`);
}

/** Why it could not. */
function install(missing) {
  const sentence = `needed and not found on the PATH: ${missing.join(', ')} (on Debian: apt-get install ${missing.join(' ')})`;
  const mayInstall = process.getuid?.() === 0 && existsSync('/etc/debian_version') && findProgram('apt-get') !== undefined;
  if (!mayInstall) return sentence;
  say(`installing ${missing.join(', ')} by apt-get, this may take some minutes …`);
  const options = ['-y', '-q', '-o', 'Acquire::Retries=0', '-o', 'Acquire::http::Timeout=10', '-o', 'Acquire::https::Timeout=10'];
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // Debian starts a package's daemon when it is installed, unless this file says no.
  const policy = '/usr/sbin/policy-rc.d';
  const mine = !existsSync(policy);
  if (mine) {
    writeFileSync(policy, '#!/bin/sh\nexit 101\n');
    chmodSync(policy, 0o755);
  }
  let failure;
  try {
    for (const step of [['update'], ['install', '--no-install-recommends', ...missing]]) {
      const done = spawnSync('apt-get', [...options, ...step], { env: environment, stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
      const offline = /Temporary failure|Could not resolve|Failed to fetch|Unable to fetch/.test(done.stderr ?? '');
      if (done.status !== 0 || (step[0] === 'update' && offline)) failure ??= lastLine(done.stderr);
      if (failure !== undefined) break;
    }
  } finally {
    if (mine) rmSync(policy, { force: true });
  }
  if (failure !== undefined) return `${sentence}; apt-get could not: ${failure}`;
  const still = missing.filter(name => PROGRAMS[name]() === undefined);
  return still.length === 0 ? undefined : `needed and not found on the PATH: ${still.join(', ')}`;
}

/** A broker: the one named, the one on localhost, else one of our own. `stop` ends only what was started here. */
export async function provideRabbit(folder, named) {
  if (named !== undefined) return { ...named, started: false, stop: async () => {} };
  if (await isListening(5672)) return { host: '127.0.0.1', port: 5672, started: false, stop: async () => {} };
  const { 'rabbitmq-server': program } = ensurePrograms(['rabbitmq-server']);
  say('starting RabbitMQ, this takes some seconds …');
  const home = path.join(folder, 'rabbitmq');
  mkdirSync(home, { recursive: true });
  const port = await freePort();
  const node = `tandem${process.pid}@localhost`;
  const env = {
    ...process.env,
    HOME: home,
    RABBITMQ_NODENAME: node,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(await freePort()),
    RABBITMQ_MNESIA_BASE: path.join(home, 'mnesia'),
    RABBITMQ_LOG_BASE: path.join(home, 'log'),
    RABBITMQ_GENERATED_CONFIG_DIR: path.join(home, 'config'),
    RABBITMQ_ENABLED_PLUGINS_FILE: path.join(home, 'enabled_plugins'),
    RABBITMQ_CONFIG_FILE: path.join(home, 'none'),
    RABBITMQ_CONF_ENV_FILE: path.join(home, 'none-env'),
    RABBITMQ_PID_FILE: path.join(home, 'pid'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
  };
  const child = spawn(program, [], { env, cwd: home, stdio: 'ignore', detached: true });
  const exited = new Promise(resolve => child.once('exit', resolve));
  const stop = async () => {
    if (child.exitCode === null) process.kill(-child.pid, 'SIGTERM');
    await exited;
  };
  if (!(await waitUntil(() => child.exitCode !== null || isListening(port), 60_000)) || child.exitCode !== null) {
    await stop();
    fail(69, `RabbitMQ did not start; its log is in ${path.join(home, 'log')}`);
  }
  // Listening comes a moment before it takes logins.
  await waitUntil(
    () =>
      spawnSync(existsSync(RABBITMQCTL) ? RABBITMQCTL : 'rabbitmqctl', ['-n', node, '-q', 'await_startup'], { env, stdio: 'ignore' })
        .status === 0,
    30_000,
  );
  return { host: '127.0.0.1', port, node, home, started: true, pid: child.pid, stop };
}

/** A Redis that keeps nothing: the one on localhost, else one of our own. `stop` ends only what was started here. */
export async function provideRedis(folder) {
  if (await isListening(6379)) return { port: 6379, stop: async () => {} };
  const { 'redis-server': program } = ensurePrograms(['redis-server']);
  const port = await freePort();
  const child = spawn(program, ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder], {
    stdio: 'ignore',
  });
  const exited = new Promise(resolve => child.once('exit', resolve));
  const stop = async () => {
    child.kill('SIGTERM');
    await exited;
  };
  if (!(await waitUntil(() => isListening(port), 10_000))) {
    await stop();
    fail(69, 'Redis did not start');
  }
  return { port, stop };
}

/**
 * The embedded PostgreSQL as a process of its own, for programs that cannot import it before dist is built. It stays
 * until `stop`.
 */
export async function startEmbeddedPostgres(dataDir) {
  const child = spawn(process.execPath, [path.join(ROOT, 'scripts/embedded-postgres.mjs'), dataDir], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  const line = await new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', chunk => {
      text += chunk;
      if (text.includes('\n')) resolve(text.split('\n')[0]);
    });
    child.once('exit', code => reject(new Error(`the embedded PostgreSQL ended (${code})`)));
  }).catch(error => fail(69, error.message));
  const exited = new Promise(resolve => child.once('exit', resolve));
  return {
    ...JSON.parse(line),
    async stop() {
      child.stdin.end();
      await exited;
    },
  };
}

/** Runs a statement as the server's superuser through a short-lived Node process (pg is in node_modules). */
export function runSql(server, sql) {
  const code = `import pg from 'pg'; const c = new pg.Client(JSON.parse(process.argv[1])); await c.connect(); try { await c.query(process.argv[2]); } finally { await c.end(); }`;
  execFileSync(process.execPath, ['--input-type=module', '-e', code, JSON.stringify(server), sql], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

/** The keys that main.ini sets, as check-config tells them. */
export function readMainIni(file) {
  const done = spawnSync(process.execPath, [MAIN, 'check-config', '--config', file], { encoding: 'utf8' });
  if (done.status !== 0) fail(done.status ?? 70, done.stderr.trim());
  return Object.fromEntries([...done.stdout.matchAll(/^(\w+) = (.*?)\s+\((?!default)/gm)].map(([, key, value]) => [key, value]));
}

function lastLine(text) {
  return (text ?? '').trim().split('\n').at(-1) ?? '';
}
