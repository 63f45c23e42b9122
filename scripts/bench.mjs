// npm run bench: installs, builds, finds or starts RabbitMQ and Redis, then measures (test/bench). `npm run bench -- --help`.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { prepare, ROOT } from './prepare.mjs';
import { ensurePrograms, provideRabbit, provideRedis } from './services.mjs';

const args = process.argv.slice(2);
prepare();

const stops = [];
let child;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child?.kill('SIGTERM'));

let code = 70;
try {
  const env = { ...process.env };
  if (!['--help', '--report', '--plot'].some(flag => args.includes(flag))) {
    const folder = mkdtempSync(path.join(tmpdir(), 'tandem-bench-'));
    stops.push(async () => rmSync(folder, { recursive: true, force: true }));
    ensurePrograms(['iproute2']);
    const rabbit = await provideRabbit(folder);
    stops.push(rabbit.stop);
    Object.assign(env, { TEST_MQ_HOST: rabbit.host, TEST_MQ_PORT: String(rabbit.port) });
    if (rabbit.started) Object.assign(env, { TEST_MQ_NODE: rabbit.node, TEST_MQ_HOME: rabbit.home });
    const redis = await provideRedis(folder);
    stops.push(redis.stop);
    env.BENCH_REDIS_PORT = String(redis.port);
  }
  child = spawn(process.execPath, ['--import', 'tsx', 'test/bench/main.ts', ...args], { cwd: ROOT, env, stdio: 'inherit' });
  code = await new Promise(resolve => child.once('exit', status => resolve(status ?? 70)));
} finally {
  for (const stop of stops.reverse()) await stop();
}
process.exit(code);
