// The demo operator: made on the first start, with a random password that is kept beside the data.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { MAIN } from './prepare.mjs';

const LOGIN = 'demo';

/** `dataDir`: where the password is kept. `config`: --config and its file. Returns login and password. */
export async function ensureDemoOperator({ dataDir, config, cwd }) {
  const file = path.join(dataDir, 'demo-operator.txt');
  const run = (args, input) => runToEnd([MAIN, ...args, ...config], { cwd, input });
  const known = JSON.parse(await run(['operator', 'list', '--json'])).some(operator => operator.login === LOGIN);
  if (known && existsSync(file)) return { login: LOGIN, password: readFileSync(file, 'utf8').trim() };
  mkdirSync(dataDir, { recursive: true });
  const password = randomBytes(9).toString('base64url');
  if (known) await run(['operator', 'passwd', '--login', LOGIN], `${password}\n`);
  else await run(['operator', 'add', '--login', LOGIN, '--fullname', 'Demo Operator', '--roles', 'operator,admin'], `${password}\n`);
  writeFileSync(file, `${password}\n`, { mode: 0o600 });
  return { login: LOGIN, password };
}

/** In a process group of its own: a Ctrl-C is the caller's to handle. */
function runToEnd(args, { cwd, input = '' }) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    let output = '';
    let complaint = '';
    child.stdout.on('data', chunk => (output += chunk));
    child.stderr.on('data', chunk => (complaint += chunk));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.once('error', reject);
    child.once('close', code => (code === 0 ? resolve(output) : reject(new Error(complaint.trim() || `it ended with ${code}`))));
  });
}
