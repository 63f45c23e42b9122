// The import directions, and the guard on the guard: a cruise that sees too few modules, or does not see a planted bad
// import, fails (under a TypeScript it does not know, dependency-cruiser "passes" with no module at all).
import { execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const MIN_MODULES = 400;
const PLANTED = [
  ['src/domain/chat.ts', "import '../postgres/store.ts';"],
  ['src/sync/feed.ts', "import '../delivery/hub.ts';"],
  ['src/http/server.ts', "import 'pg';"],
];

const { violations, modules } = cruise(root);
for (const { rule, from, to } of violations) console.error(`${rule.name}: ${from} → ${to}`);
if (violations.length > 0) process.exit(1);
if (modules < MIN_MODULES) {
  console.error(`only ${modules} modules of src were seen: the check does not work`);
  process.exit(1);
}

const copy = mkdtempSync(path.join(tmpdir(), 'tandem-imports-'));
try {
  for (const name of ['src', 'package.json', 'tsconfig.json', '.dependency-cruiser.cjs'])
    cpSync(path.join(root, name), path.join(copy, name), { recursive: true });
  symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));
  for (const [file, line] of PLANTED) appendFileSync(path.join(copy, file), `\n${line}\n`);
  const found = cruise(copy).violations;
  const missed = PLANTED.filter(([file]) => !found.some(({ from }) => from === file));
  if (missed.length > 0) {
    console.error(`planted bad imports were not seen: ${missed.map(([file, line]) => `${file}: ${line}`).join(' ')}`);
    process.exit(1);
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
console.log(`${modules} modules, no import in a wrong direction; ${PLANTED.length} planted ones were seen`);

function cruise(folder) {
  const bin = path.join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  let output;
  try {
    output = execFileSync(process.execPath, [bin, 'src', '--config', '.dependency-cruiser.cjs', '--output-type', 'json'], {
      cwd: folder,
      encoding: 'utf8',
      maxBuffer: 64 * 1_048_576,
    });
  } catch (error) {
    output = error.stdout;
    if (!output) throw error;
  }
  const result = JSON.parse(output);
  return { violations: result.summary.violations, modules: result.modules.filter(({ source }) => source.startsWith('src/')).length };
}
