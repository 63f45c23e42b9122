// npm start: a single node on the embedded PostgreSQL (or what main.ini names), with a demo operator. Ctrl-C ends it.
// Arguments go to `chat-server start`: npm start -- --port 9000
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ensureDemoOperator } from './demo-operator.mjs';
import { fail, flagValue, MAIN, prepare, ROOT, say } from './prepare.mjs';

const args = process.argv.slice(2);
if (args.includes('--help') || args.includes('-h')) {
  console.log('npm start [-- --port N] [--listen ADDRESS] [--config FILE]: runs a single node with a demo operator; see README.md');
  process.exit(0);
}
prepare();

const config = ['--config', flagValue(args, 'config') ?? path.join(ROOT, 'main.ini')];
const nodeArgs = flagValue(args, 'config') === undefined ? [...config, ...args] : args;
const checked = spawnSync(process.execPath, [MAIN, 'check-config', ...nodeArgs], { cwd: ROOT, encoding: 'utf8' });
if (checked.status !== 0) fail(checked.status ?? 70, checked.stderr.trim());
const dataDir = path.resolve(path.dirname(config[1]), /^data_dir = (.*?)\s+\(/m.exec(checked.stdout)?.[1] ?? 'var');
mkdirSync(dataDir, { recursive: true });

const logFile = path.join(dataDir, 'chat-server.log');
const log = openSync(logFile, 'a');
const logStart = readFileSync(logFile).length;
let node; // eslint-disable-line prefer-const -- asked for before it is there
let stopping = false;
// Before the node is there: a Ctrl-C of any moment ends it in order.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (!stopping) say('stopping …');
    if (node === undefined) process.exit(0);
    if (node.exitCode === null && node.signalCode === null) process.kill(node.pid, stopping ? 'SIGKILL' : 'SIGTERM');
    stopping = true;
  });
}
say('starting the node …');
// In a process group of its own: Ctrl-C reaches this script, which ends the node in order.
node = spawn(process.execPath, [MAIN, 'start', ...nodeArgs], {
  cwd: ROOT,
  stdio: ['ignore', log, 'pipe'],
  detached: true,
});
closeSync(log);
let complaint = '';
node.stderr.on('data', chunk => {
  complaint += chunk;
});
node.on('exit', (code, signal) => {
  if (!stopping) console.error(complaint.trim() || `the node ended (${signal ?? code}); its log is ${logFile}`);
  else say('stopped, nothing is left running');
  process.exit(code ?? 70);
});

let url;
let data;
while (url === undefined) {
  await new Promise(resolve => setTimeout(resolve, 50));
  for (const line of readFileSync(logFile, 'utf8').slice(logStart).split('\n')) {
    const entry = line.startsWith('{') ? JSON.parse(line) : {};
    if (entry.event === 'embedded-postgres') data = entry.dataDir;
    if (entry.event === 'waiting-for-database' && !stopping) say(`waiting for the database: ${entry.reason}`);
    if (entry.event === 'ready') url = entry.url;
  }
}
try {
  const { login, password } = await ensureDemoOperator({ dataDir, config, cwd: ROOT });
  console.log(`
  Tandem is ready.

  Try it     ${url}   (visitor and operator side by side)
  Login      ${login}
  Password   ${password}
  Status     ${url}status
  Data       ${data ?? 'in the PostgreSQL that main.ini names'}
  Log        ${logFile}

  Ctrl-C stops it.
`);
} catch (error) {
  if (!stopping) {
    console.error(`the demo operator could not be made: ${error.message}`);
    process.kill(process.pid, 'SIGTERM');
  }
}
