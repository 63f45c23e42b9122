// Compiles src to dist and copies what tsc does not: SQL and pages. With --if-needed only when dist is older than its sources.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const built = path.join(root, 'dist/main.js');

if (!process.argv.includes('--if-needed') || isStale()) {
  rmSync(path.join(root, 'dist'), { recursive: true, force: true });
  execFileSync(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  });
  for (const folder of ['postgres/migrations', 'web']) {
    cpSync(path.join(root, 'src', folder), path.join(root, 'dist', folder), { recursive: true });
  }
  chmodSync(built, 0o755);
  console.log('built dist');
}

function isStale() {
  if (!existsSync(built)) return true;
  const newest = readdirSync(path.join(root, 'src'), { recursive: true }).map(name => statSync(path.join(root, 'src', name)).mtimeMs);
  const others = ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json'].map(name => statSync(path.join(root, name)).mtimeMs);
  return Math.max(...newest, ...others) > statSync(built).mtimeMs;
}
