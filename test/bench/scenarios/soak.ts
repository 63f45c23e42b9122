/** Hours of a steady load on two nodes: does memory grow, is anything lost, doubled or out of order. Not part of the default run. */
import { setTimeout as wait } from 'node:timers/promises';
import { ProcessWatch, privateMib, rssMib, type Watched } from '../processes.ts';
import type { BenchContext, Scenario } from '../scenario.ts';
import { slopePerHour } from '../slope.ts';
import { SteadyTraffic } from '../steady-traffic.ts';
import { Tandem } from '../targets/tandem.ts';
import { SHAPE } from './delivery.ts';

const RATE = 1_000;
const SAMPLE_MS = 10_000;
const DRAIN_MS = 10_000;
/** The first third warms up: caches fill, V8 finds its size. */
const SLOPE_FROM = 1 / 3;

export const soak: Scenario = {
  name: 'soak',
  about: '1,000/s on two nodes for --minutes: growth of memory, lost, doubled, reordered (only when named)',
  onlyWhenNamed: true,
  async round(context) {
    const target = new Tandem(context.services);
    const traffic = new SteadyTraffic(target, SHAPE.chats, RATE);
    try {
      await target.start(SHAPE, traffic);
      const samples = await run(context, target, traffic);
      const late = samples.filter(({ minute }) => minute >= context.minutes * SLOPE_FROM);
      const growth = (name: string): number => slopePerHour(late.map(({ minute, mib }) => ({ minute, value: mib[name] ?? 0 })));
      context.record('soak', 'tandem', {
        minutes: context.minutes,
        ...traffic.counts(),
        persisted: await target.persisted(),
        mibPerHour: { A: growth('A'), B: growth('B'), postgres: growth('postgres'), broker: growth('broker') },
      });
    } finally {
      await target.stop();
    }
  },
};

interface Sample {
  readonly minute: number;
  readonly mib: Readonly<Record<string, number>>;
}

async function run(context: BenchContext, target: Tandem, traffic: SteadyTraffic): Promise<Sample[]> {
  const samples: Sample[] = [];
  const persistedBefore = await target.persisted();
  const watched = target.processes();
  const watch = new ProcessWatch(watched);
  const startMs = performance.now();
  const endMs = startMs + context.minutes * 60_000;
  const sending = traffic.sendUntil(endMs);
  let cpuBefore = watch.cpuSeconds();
  for (let atMs = startMs + SAMPLE_MS; atMs <= endMs + 1; atMs += SAMPLE_MS) {
    await wait(Math.max(0, atMs - performance.now()));
    const cpu = watch.cpuSeconds();
    const used = [...cpu].reduce((sum, [name, seconds]) => sum + seconds - (cpuBefore.get(name) ?? 0), 0);
    cpuBefore = cpu;
    const minute = Number(((atMs - startMs) / 60_000).toFixed(2));
    const sample = { minute, mib: memoryOf(watched), cpuUsPerMessage: Math.round((used * 1e6) / (RATE * (SAMPLE_MS / 1_000))) };
    samples.push(sample);
    const { p50, p99 } = traffic.takeDelivery();
    const { lost: underWay, ...counts } = traffic.counts();
    const figures = { ...sample, delivery: { p50, p99 }, ...counts, underWay };
    context.record('soak', 'sample', figures, { quiet: Math.round((atMs - startMs) / SAMPLE_MS) % 6 !== 0 });
  }
  await sending;
  await traffic.drain(DRAIN_MS);
  context.say(`${traffic.counts().sent} sent, ${(await target.persisted()) - persistedBefore} stored`);
  return samples;
}

/** PostgreSQL by its private memory: its shared buffers would be counted once for each backend. */
function memoryOf(watched: readonly Watched[]): Record<string, number> {
  return Object.fromEntries(
    watched.map(({ name, pid }) => [name, Number((name === 'postgres' ? privateMib(pid) : rssMib(pid)).toFixed(1))]),
  );
}
