// Compiles src to dist, copies the SQL, builds the web pages. With --if-needed only when dist is older than its sources.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
/** Written last: a build that failed half-way is none. */
const built = path.join(root, 'dist/.built');

if (!process.argv.includes('--if-needed') || isStale()) {
  rmSync(path.join(root, 'dist'), { recursive: true, force: true });
  execFileSync(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  });
  cpSync(path.join(root, 'src/postgres/migrations'), path.join(root, 'dist/postgres/migrations'), { recursive: true });
  const { buildWeb } = await import('./build-web.mjs');
  const widgetBytes = await buildWeb(root);
  chmodSync(path.join(root, 'dist/main.js'), 0o755);
  writeFileSync(built, '');
  console.log(`built dist (widget.js: ${(widgetBytes / 1024).toFixed(1)} KiB compressed)`);
}

function isStale() {
  if (!existsSync(built)) return true;
  const newest = readdirSync(path.join(root, 'src'), { recursive: true }).map(name => statSync(path.join(root, 'src', name)).mtimeMs);
  const others = ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'scripts/build-web.mjs'].map(
    name => statSync(path.join(root, name)).mtimeMs,
  );
  return Math.max(...newest, ...others) > statSync(built).mtimeMs;
}
