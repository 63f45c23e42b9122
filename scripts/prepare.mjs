// What every command needs first: the right Node, the packages, dist. Only node builtins: it runs before the install.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';

export const ROOT = path.resolve(import.meta.dirname, '..');
export const MAIN = path.join(ROOT, 'dist/main.js');

/** Ends the process with one sentence: 64 wrong use, 69 something outside is missing or in the way. */
export function fail(code, sentence) {
  console.error(sentence);
  process.exit(code);
}

export function say(sentence) {
  console.log(`· ${sentence}`);
}

/** Installs the packages if they are missing or older than the lock file, and builds what is older than its source. */
export function prepare({ build = true } = {}) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) fail(69, `Node ${process.versions.node} is too old: version 20.19 or newer is needed`);
  const lock = path.join(ROOT, 'package-lock.json');
  const installed = path.join(ROOT, 'node_modules/.package-lock.json');
  if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(lock).mtimeMs) {
    say('installing packages (npm ci), this takes a minute …');
    const npm = process.env.npm_execpath;
    const [command, args] = npm === undefined ? ['npm', []] : [process.execPath, [npm]];
    const done = spawnSync(command, [...args, 'ci', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: ROOT,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    if (done.status !== 0) fail(69, 'npm ci failed: the packages could not be installed');
  }
  if (build) execFileSync(process.execPath, [path.join(ROOT, 'scripts/build.mjs'), '--if-needed'], { stdio: 'inherit' });
}

export function isListening(port, host = '127.0.0.1') {
  return new Promise(resolve => {
    const socket = net.connect({ port, host, timeout: 1_000 });
    const finish = answer => {
      socket.destroy();
      resolve(answer);
    };
    socket
      .once('connect', () => finish(true))
      .once('error', () => finish(false))
      .once('timeout', () => finish(false));
  });
}

export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = /** @type {net.AddressInfo} */ (probe.address());
      probe.close(() => resolve(port));
    });
  });
}

export function findProgram(name) {
  for (const folder of (process.env.PATH ?? '').split(':')) {
    const file = path.join(folder, name);
    if (folder !== '' && existsSync(file)) return file;
  }
  return undefined;
}

/** `--name value` and `--name=value`. */
export function flagValue(args, name) {
  const at = args.findIndex(arg => arg === `--${name}` || arg.startsWith(`--${name}=`));
  if (at === -1) return undefined;
  return args[at].includes('=') ? args[at].slice(args[at].indexOf('=') + 1) : args[at + 1];
}

export async function waitUntil(check, withinMs) {
  for (const end = Date.now() + withinMs; Date.now() < end; await new Promise(resolve => setTimeout(resolve, 50))) {
    if (await check()) return true;
  }
  return false;
}

/** Behind Nginx, which tells nobody what a node says of itself, `at` is /healthz. */
export async function isReady(url, at = '/readyz') {
  try {
    return (await fetch(url + at)).ok;
  } catch {
    return false;
  }
}
