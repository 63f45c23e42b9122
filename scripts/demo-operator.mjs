// The demo operator: made on the first start, with a random password that is kept beside the data.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { MAIN } from './prepare.mjs';

const LOGIN = 'demo';

/** `dataDir`: where the password is kept. `config`: --config and its file. Returns login and password. */
export function ensureDemoOperator({ dataDir, config, cwd }) {
  const file = path.join(dataDir, 'demo-operator.txt');
  const run = (args, input = '') =>
    execFileSync(process.execPath, [MAIN, ...args, ...config], { cwd, input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] });
  const known = JSON.parse(run(['operator', 'list', '--json'])).some(operator => operator.login === LOGIN);
  if (known && existsSync(file)) return { login: LOGIN, password: readFileSync(file, 'utf8').trim() };
  mkdirSync(dataDir, { recursive: true });
  const password = randomBytes(9).toString('base64url');
  if (known) run(['operator', 'passwd', '--login', LOGIN], `${password}\n`);
  else run(['operator', 'add', '--login', LOGIN, '--fullname', 'Demo Operator', '--roles', 'operator,admin'], `${password}\n`);
  writeFileSync(file, `${password}\n`, { mode: 0o600 });
  return { login: LOGIN, password };
}
