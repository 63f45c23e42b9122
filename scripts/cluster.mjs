// npm run cluster: master, slave and Nginx on this machine, on RabbitMQ and PostgreSQL: what main.ini names, else the
// ones on localhost, else started here (PostgreSQL else embedded; without RabbitMQ the nodes sync through PostgreSQL). Ctrl-C ends all it started and nothing else.
//   npm run cluster -- --port 8280     the port of Nginx
import { spawn } from 'node:child_process';
import { mkdirSync, openSync, closeSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ensureDemoOperator } from './demo-operator.mjs';
import { spawnNginx, writeNginxConfig } from './nginx.mjs';
import { fail, findProgram, flagValue, freePort, isListening, isReady, MAIN, prepare, ROOT, say, waitUntil } from './prepare.mjs';
import { ensurePrograms, provideRabbit, readMainIni, runSql, startEmbeddedPostgres } from './services.mjs';

const args = process.argv.slice(2);
if (args.includes('--help') || args.includes('-h')) {
  console.log('npm run cluster [-- --port N]: a local cluster of master, slave and Nginx (port 8280); see README.md');
  process.exit(0);
}
const nginxPort = Number(flagValue(args, 'port') ?? 8280);
if (!Number.isInteger(nginxPort) || nginxPort < 1 || nginxPort > 65535)
  fail(64, `--port ${flagValue(args, 'port')} must be an integer from 1 to 65535`);

const DATABASE = 'tandem_cluster';
const folder = path.join(ROOT, 'var/cluster');
const stops = [];
let stopping = false;

prepare();
mkdirSync(folder, { recursive: true });
if (await isListening(nginxPort))
  fail(69, `port ${nginxPort} is taken by another program: choose one for Nginx with npm run cluster -- --port N`);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void stop(0));

try {
  const set = readMainIni(path.join(ROOT, 'main.ini'));
  const { nginx } = ensurePrograms(['nginx']);
  const rabbit = await findRabbit(set);
  if (rabbit === undefined) say('no RabbitMQ is installed: the nodes sync through PostgreSQL (LISTEN/NOTIFY)');
  else stops.push(rabbit.stop);
  const postgres = await providePostgres(set);

  // The keys of main.ini as they stand there, and what was found for those it does not set.
  const keys = {
    ...(rabbit === undefined ? {} : { mq_host: rabbit.host, mq_port: rabbit.port }),
    mq_node_id_prefix: DATABASE,
    db_host: postgres.host,
    db_port: postgres.port,
    db_name: postgres.database,
    db_username: postgres.user,
    ...(postgres.password === undefined ? {} : { db_password: postgres.password }),
  };
  const own = readFileSync(path.join(ROOT, 'main.ini'), 'utf8');
  const added = Object.entries(keys).map(([key, value]) => `${key} = ${value}`);
  writeFileSync(path.join(folder, 'main.ini'), `${own}\n; ---- added by npm run cluster\n${added.join('\n')}\n`, { mode: 0o600 });
  writeFileSync(path.join(folder, 'cluster.json'), readFileSync(path.join(ROOT, 'cluster.json')));
  const { chat_server_node_names: names, chat_server_master_node_name: master } = JSON.parse(
    readFileSync(path.join(folder, 'cluster.json'), 'utf8'),
  );

  const rows = [];
  /** @type {Record<string, number>} */
  const ports = {};
  for (const name of [master, ...names.filter(other => other !== master)]) {
    const mode = name === master ? 'master' : 'slave';
    say(`starting ${name} …`);
    const port = await freePort();
    const child = await startNode(name, mode, port);
    ports[8260 + rows.length] = port;
    rows.push({
      node: name,
      mode,
      port,
      pid: child.pid,
      transport: (await (await fetch(`http://127.0.0.1:${port}/status`)).json()).transport,
      URL: `http://127.0.0.1:${port}/`,
    });
  }
  const { login, password } = await ensureDemoOperator({
    dataDir: folder,
    config: ['--config', path.join(folder, 'main.ini')],
    cwd: folder,
  });
  const site = names.length > 2 ? 'chat-slaves.conf' : 'chat.conf';
  const { configFile } = writeNginxConfig({ folder, site, port: nginxPort, nodes: ports });
  const proxy = adopt(spawnNginx(nginx, configFile), 'nginx', path.join(folder, 'error.log'));
  if (!(await waitUntil(() => isReady(`http://127.0.0.1:${nginxPort}`, '/healthz'), 10_000)))
    throw new Error(`Nginx does not answer; its log is ${folder}/error.log`);
  rows.push({ node: 'nginx', mode: 'proxy', port: nginxPort, pid: proxy.pid, transport: '', URL: `http://127.0.0.1:${nginxPort}/` });

  console.log();
  printTable(rows);
  console.log(`
  Try it       http://127.0.0.1:${nginxPort}/   (visitor and operator side by side, through Nginx)
  Login        ${login}
  Password     ${password}
  RabbitMQ     ${rabbit === undefined ? 'none: the nodes sync through PostgreSQL' : `${rabbit.host}:${rabbit.port}${rabbit.started ? ' (started here)' : ''}`}
  PostgreSQL   ${postgres.host}:${postgres.port}, database ${postgres.database}${postgres.started ? ' (embedded, started here)' : ''}
  Files, logs  ${folder}

  Ctrl-C stops what was started here. A node that dies is told of, not started again.
`);
} catch (error) {
  console.error(error.message);
  await stop(69);
}

async function startNode(name, mode, port) {
  const logFile = path.join(folder, `${name}.log`);
  const log = openSync(logFile, 'w');
  const flags = [
    '--config',
    'main.ini',
    '--node_name',
    name,
    '--cluster_config',
    'cluster.json',
    '--multinode_mode',
    mode,
    '--port',
    String(port),
  ];
  const child = adopt(
    spawn(process.execPath, [MAIN, 'start', ...flags], { cwd: folder, stdio: ['ignore', log, log], detached: true }),
    name,
    logFile,
  );
  closeSync(log);
  if (!(await waitUntil(() => child.exitCode !== null || isReady(`http://127.0.0.1:${port}`), 30_000)) || child.exitCode !== null) {
    throw new Error(`${name} did not start: ${readFileSync(logFile, 'utf8').trim().split('\n').at(-1)}`);
  }
  return child;
}

/** Ends with this script; its own end is told of. */
function adopt(child, name, logFile) {
  const exited = new Promise(resolve => child.once('exit', resolve));
  child.once('exit', (code, signal) => {
    if (!stopping) console.error(`${name} ended (${signal ?? code}); its log is ${logFile}`);
  });
  stops.push(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await exited;
  });
  return child;
}

/** The one that main.ini names, the one on localhost, one of our own if the program is there, else none. */
async function findRabbit(set) {
  if (set.mq_host === undefined && !(await isListening(5672)) && findProgram('rabbitmq-server') === undefined) return undefined;
  return provideRabbit(folder, set.mq_host === undefined ? undefined : { host: set.mq_host, port: Number(set.mq_port ?? 5672) });
}

async function providePostgres(set) {
  if (set.db_host !== undefined) {
    return {
      host: set.db_host,
      port: Number(set.db_port ?? 5432),
      database: set.db_name ?? 'chat',
      user: set.db_username ?? 'chat',
      started: false,
    };
  }
  if (await isListening(5432)) {
    const server = { host: '127.0.0.1', port: 5432, user: 'postgres' };
    try {
      try {
        runSql({ ...server, database: 'postgres' }, `create database ${DATABASE}`);
      } catch (error) {
        if (!/already exists/.test(String(error.stderr))) throw error;
      }
      return { ...server, database: DATABASE, started: false };
    } catch {
      say('the PostgreSQL on localhost does not let us in: using the embedded one (set db_* in main.ini to use it)');
    }
  }
  say('starting the embedded PostgreSQL …');
  const embedded = await startEmbeddedPostgres(folder);
  stops.push(embedded.stop);
  return { ...embedded, started: true };
}

async function stop(code) {
  if (stopping) return;
  stopping = true;
  say('stopping …');
  for (const step of stops.reverse()) await step().catch(error => console.error(error.message));
  say('stopped, nothing that was started here is left running');
  process.exit(code);
}

function printTable(rows) {
  const columns = Object.keys(rows[0]);
  const cells = [columns, ...rows.map(row => columns.map(column => String(row[column])))];
  const widths = columns.map((_, i) => Math.max(...cells.map(line => line[i].length)));
  for (const line of cells) console.log(`  ${line.map((cell, i) => cell.padEnd(widths[i])).join('  ')}`);
}
