/** npm run bench: the scenarios in interleaved rounds, each measurement as a line of JSON, the goals at the end. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { judge } from './goals.ts';
import { plot } from './plot.ts';
import { loadAverage } from './processes.ts';
import { readMeasurements, tables } from './report.ts';
import type { BenchContext, Measurement, Scenario } from './scenario.ts';
import { assignment } from './scenarios/assignment.ts';
import { delivery, growth, slowFlush } from './scenarios/delivery.ts';
import { coldStart } from './scenarios/cold-start.ts';
import { http } from './scenarios/http.ts';
import { idleMemory } from './scenarios/idle-memory.ts';
import { soak } from './scenarios/soak.ts';
import { storm } from './scenarios/storm.ts';
import { startServices } from './services.ts';
import { RAISED } from './targets/tandem.ts';

const SCENARIOS: readonly Scenario[] = [delivery, slowFlush, growth, idleMemory, storm, http, assignment, coldStart, soak];

const PLOT = path.resolve(import.meta.dirname, '../../docs/performance.svg');

const HELP = `npm run bench -- [scenario …] [--rounds 3] [--seconds 5] [--divisor 1] [--minutes 30] [--out var/bench.jsonl] [--report] [--plot]

Each round visits every scenario once. Measurements are appended to --out as lines of JSON.
  --divisor n   sizes (chats, connections) divided by n: for a quick look, not for figures
  --minutes n   length of a soak
  --report      no run: tables and goals of what --out holds
  --plot        no run: docs/performance.svg of what --out holds

${SCENARIOS.map(({ name, about }) => `  ${name.padEnd(12)}${about}`).join('\n')}

BENCH_PG=host:port  a PostgreSQL to use instead of one of its own (superuser postgres, no password)`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string' },
    seconds: { type: 'string', default: '5' },
    divisor: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '30' },
    out: { type: 'string', default: 'var/bench.jsonl' },
    report: { type: 'boolean', default: false },
    plot: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  console.log(HELP);
  process.exit(0);
}
const unknown = positionals.find(name => !SCENARIOS.some(scenario => scenario.name === name));
if (unknown !== undefined) {
  console.error(`there is no scenario '${unknown}'\n\n${HELP}`);
  process.exit(64);
}
for (const name of ['rounds', 'seconds', 'divisor', 'minutes'] as const) {
  if (values[name] === undefined || Number(values[name]) > 0) continue;
  console.error(`--${name} must be a number above 0, not '${values[name]}'`);
  process.exit(64);
}
// Ended early: what was started ends with this process (see its 'exit').
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(70));
if (!values.report && !values.plot) await run();
const measurements = readMeasurements(values.out);
if (values.plot) {
  writeFileSync(PLOT, plot(measurements));
  process.exit(0);
}
console.log(tables(measurements));
console.log(judge(measurements));
process.exit(0);

async function run(): Promise<void> {
  const [seconds, divisor, minutes] = [Number(values.seconds), Number(values.divisor), Number(values.minutes)];
  // A soak has its medians in itself.
  const rounds = Number(values.rounds ?? (positionals.includes('soak') ? 1 : 3));
  const chosen = SCENARIOS.filter(({ name, onlyWhenNamed }) =>
    positionals.length === 0 ? onlyWhenNamed !== true : positionals.includes(name),
  );
  mkdirSync(path.dirname(values.out), { recursive: true });
  const write = (line: object): void => appendFileSync(values.out, `${JSON.stringify(line)}\n`);
  const services = await startServices();
  try {
    const about = {
      commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim(),
      changed: execFileSync('git', ['status', '--porcelain', 'src'], { encoding: 'utf8' }) !== '',
      at: new Date().toISOString(),
      machine: `${os.cpus().length} × ${os.cpus()[0]?.model ?? '?'}, ${Math.round(os.totalmem() / 2 ** 30)} GiB, ${os.release()}`,
      node: process.version,
      transport: 'RabbitMQ',
      postgres: await services.describe(),
      raised: RAISED,
      divisor,
    };
    write({ about });
    console.log(JSON.stringify(about, null, 2));
    for (let round = 1; round <= rounds; round++) {
      for (const scenario of chosen) {
        console.log(`· round ${round} of ${rounds}: ${scenario.name} (load ${loadAverage()})`);
        const context: BenchContext = {
          services,
          seconds,
          divisor,
          minutes,
          round,
          record(name, subject, figures, how) {
            const measurement: Measurement = { scenario: name, subject, round, figures };
            write(measurement);
            if (how?.quiet !== true) console.log(`  ${subject}: ${JSON.stringify(figures)}`);
          },
          say: sentence => console.log(`  ${sentence}`),
        };
        await scenario.round(context);
      }
    }
  } finally {
    await services.stop();
  }
}
