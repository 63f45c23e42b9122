// npm test: installs what is missing, starts what does not run, runs everything. Arguments are parts of file names:
// npm test -- conversation. With --pure only what needs no service, with --faults only the faults, as long as in life.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fail, isListening, prepare, ROOT, say } from './prepare.mjs';
import { ensurePrograms, offerPrograms, provideRabbit, runSql, startEmbeddedPostgres } from './services.mjs';

const args = process.argv.slice(2);
const pure = args.includes('--pure');
const faults = args.includes('--faults');
/** The whole takes 27 minutes on 2 cores, half as long again on ones that others use too; the faults as long as in life half an hour. */
const GIVE_UP_AFTER_MS = (faults ? 80 : 70) * 60_000;
const filters = args.filter(arg => !arg.startsWith('--'));
prepare({ build: !pure });

const PURE = ['domain', 'protocol', 'config', 'sync'];
const FAULTS = ['faults', 'hosts'];
/** They mostly wait: for leases, graces, browsers. */
const AT_ONCE = 2;
const MEASURING = ['test/hosts/', 'capacity', 'conversation', 'many-chats'];
const files = readdirSync(path.join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.test.ts'))
  .filter(name => !pure || PURE.includes(name.split(path.sep)[0]) || name.endsWith('.pure.test.ts'))
  .filter(name => !faults || FAULTS.includes(name.split(path.sep)[0]))
  .filter(name => filters.length === 0 || filters.some(filter => name.includes(filter)))
  .sort()
  .map(name => path.join('test', name));
if (files.length === 0) fail(64, `no test file has ${filters.join(' or ')} in its name`);

const stops = [];
/** @type {NodeJS.ProcessEnv} */
const env = { ...process.env, ...(faults ? { FAULTS: 'real' } : {}) };
let child;
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    interrupted = true;
    child?.kill('SIGTERM');
  });
}

let code = 0;
let summary = '';
const counts = { tests: 0, pass: 0, fail: 0, cancelled: 0, skipped: 0 };
try {
  if (!pure) await provideServices();
  const watchdog = setTimeout(() => {
    console.error(`not finished within ${GIVE_UP_AFTER_MS / 60_000} minutes: a test file does not end`);
    interrupted = true;
    child.kill('SIGTERM');
  }, GIVE_UP_AFTER_MS);
  // Each file is a process of its own. Those that measure how long something takes have the machine for themselves.
  const isAlone = file => MEASURING.some(part => file.includes(part));
  code =
    (await runFiles(
      files.filter(file => !isAlone(file)),
      AT_ONCE,
    )) || code;
  if (!interrupted) code = (await runFiles(files.filter(isAlone), 1)) || code;
  clearTimeout(watchdog);
  const { tests, pass, fail: failed, cancelled, skipped } = counts;
  if (code === 0 && skipped > 6) {
    console.error(`${skipped} tests were skipped: that is no green run`);
    code = 70;
  }
  summary = `run ${tests} · passed ${pass} · failed ${failed + cancelled} · skipped ${skipped}`;
} finally {
  for (const stop of stops.reverse()) await stop();
}
if (summary !== '') console.log(summary);
process.exit(interrupted ? 70 : code);

/** Returns the runner's exit code, and adds up what it counts. */
async function runFiles(some, concurrency) {
  if (some.length === 0) return 0;
  const options = [`--test-concurrency=${concurrency}`, `--test-timeout=${faults ? 1_800_000 : 300_000}`, '--test-reporter=spec'];
  child = spawn(process.execPath, ['--import', 'tsx', '--test', ...options, ...some], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let tail = '';
  child.stdout.on('data', chunk => {
    process.stdout.write(chunk);
    tail = (tail + chunk).slice(-10_000);
  });
  const status = await new Promise(resolve => child.once('exit', resolve));
  for (const word of Object.keys(counts)) counts[word] += Number(new RegExp(`ℹ ${word} (\\d+)`).exec(tail)?.[1] ?? 0);
  return status ?? 70;
}

async function provideServices() {
  const folder = mkdtempSync(path.join(tmpdir(), 'tandem-services-'));
  stops.push(async () => rmSync(folder, { recursive: true, force: true }));
  // The broker is needed as a program too: one test stops it.
  const { chromium } = ensurePrograms(['nginx', 'chromium', 'rabbitmq-server']);
  env.CHROMIUM = chromium;
  // One test each; hosts of the tests' own need root.
  offerPrograms(['pgbouncer', 'libjs-prototype', ...(process.getuid?.() === 0 ? ['iproute2', 'nftables', 'systemd'] : [])]);
  const rabbit = await provideRabbit(folder);
  stops.push(rabbit.stop);
  Object.assign(env, { TEST_MQ_HOST: rabbit.host, TEST_MQ_PORT: String(rabbit.port) });
  if (rabbit.started) Object.assign(env, { TEST_MQ_NODE: rabbit.node, TEST_MQ_HOME: rabbit.home });

  say('starting the embedded PostgreSQL 18 …');
  const embedded = await startEmbeddedPostgres(path.join(folder, 'pg18'));
  stops.push(async () => {
    await embedded.stop();
    // As root its data stand outside of `folder`, which PostgreSQL's user cannot enter.
    rmSync(path.dirname(embedded.dataDir), { recursive: true, force: true });
  });
  setServer('TEST_PG18', embedded);
  setServer('TEST_PG', (await systemPostgres()) ?? embedded);
}

/** The one on localhost, if its superuser may log in without a password; PG* variables say otherwise. */
async function systemPostgres() {
  const server = {
    host: process.env.PGHOST ?? '127.0.0.1',
    port: Number(process.env.PGPORT ?? 5432),
    user: process.env.PGUSER ?? 'postgres',
  };
  if (process.env.PGPASSWORD !== undefined) server.password = process.env.PGPASSWORD;
  if (!(await isListening(server.port, server.host))) return undefined;
  try {
    runSql({ ...server, database: 'postgres' }, 'select 1');
    return server;
  } catch {
    say('the PostgreSQL on localhost does not let us in: using the embedded one');
    return undefined;
  }
}

function setServer(prefix, { host, port, user, password }) {
  Object.assign(env, {
    [`${prefix}_HOST`]: host,
    [`${prefix}_PORT`]: String(port),
    [`${prefix}_USER`]: user,
    [`${prefix}_PASSWORD`]: password ?? '',
  });
}
