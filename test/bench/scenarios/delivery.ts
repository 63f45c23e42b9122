/** G1–G7: a visitor's message on its way to the operator, at fixed rates and at saturation, beside both peers. */
import { LoadedTarget, type LoadOptions } from '../load.ts';
import type { BenchContext, Scenario } from '../scenario.ts';
import type { Shape, Target } from '../target.ts';
import { minimalBatch, socketIo } from '../targets/peers.ts';
import { Tandem, type TandemOptions } from '../targets/tandem.ts';

export const SHAPE: Shape = { chats: 200, operators: 50, nodes: 2 };
const SLOW_FLUSH_US = 2_000;

/** Starts the target, runs each load on it and records them as `subject`. */
export async function measure(
  context: BenchContext,
  scenario: string,
  target: Target,
  shape: Shape,
  loads: Readonly<Record<string, LoadOptions>>,
) {
  const loaded = new LoadedTarget(target, shape);
  try {
    await loaded.start();
    for (const [load, options] of Object.entries(loads)) context.record(scenario, `${target.name} ${load}`, await loaded.run(options));
  } finally {
    await loaded.stop();
  }
}

export const delivery: Scenario = {
  name: 'delivery',
  about: 'G1-G5, G7: 200 chats, 50 operators, two nodes: 1,000/s, 2,000/s, saturation; minimal-batch, socket-io, tandem',
  async round(context) {
    const { services, seconds } = context;
    const loads = { '1000/s': { seconds, rate: 1_000 }, '2000/s': { seconds, rate: 2_000 }, saturation: { seconds } };
    for (const target of [minimalBatch(services), socketIo(services), new Tandem(services)])
      await measure(context, 'delivery', target, SHAPE, loads);
  },
};

export const slowFlush: Scenario = {
  name: 'slow-flush',
  about: 'G6: saturation with a disk flush that takes 2 ms longer, and without',
  async round(context) {
    const { services, seconds } = context;
    const loaded = new LoadedTarget(new Tandem(services), SHAPE);
    try {
      await loaded.start();
      context.record('slow-flush', 'tandem as it is', await loaded.run({ seconds }));
      await services.slowFlush(SLOW_FLUSH_US);
      context.record('slow-flush', 'tandem 2 ms slower', await loaded.run({ seconds }));
    } finally {
      await services.slowFlush(0);
      await loaded.stop();
    }
  },
};

interface Growth {
  readonly subject: string;
  readonly shape: Shape;
  readonly options?: TandemOptions;
  readonly loads: Readonly<Record<string, LoadOptions>>;
  /** In the first round only: so many chats take minutes to open. */
  readonly once?: boolean;
}

/** Of many open chats so many have a visitor who is connected and writes; the others are open and silent. */
const WRITING = 4_000;

export const growth: Scenario = {
  name: 'growth',
  about: 'G8, G9: cost of a message with 200, 4,000 and 20,000 open chats, and with 2, 4 and 6 nodes',
  async round(context) {
    const { services, seconds, divisor } = context;
    const loads = { '2000/s': { seconds, rate: 2_000 }, saturation: { seconds, window: 1 } };
    const cases: Growth[] = [
      { subject: '200 chats', shape: SHAPE, loads: { '2000/s': loads['2000/s'], saturation: { seconds } } },
      { subject: '4 nodes', shape: { ...SHAPE, nodes: 4 }, loads: { '2000/s': loads['2000/s'] } },
      { subject: '6 nodes', shape: { ...SHAPE, nodes: 6 }, loads: { '2000/s': loads['2000/s'] } },
      { subject: '4000 chats', shape: { ...SHAPE, chats: 4_000 / divisor, operators: 400 }, loads },
      {
        subject: '20000 chats',
        shape: { ...SHAPE, chats: 20_000 / divisor, operators: 400 },
        options: { connected: WRITING / divisor },
        loads,
        once: true,
      },
    ];
    for (const { subject, shape, options, loads: chosen, once } of cases) {
      if (once === true && context.round > 1) continue;
      const loaded = new LoadedTarget(new Tandem(services, options), shape, options?.connected);
      try {
        await loaded.start();
        for (const [load, how] of Object.entries(chosen)) context.record('growth', `${subject} ${load}`, await loaded.run(how));
      } finally {
        await loaded.stop();
      }
    }
  },
};
