/** What the servers and the generator itself use during a measuring window. */
import { setTimeout as wait } from 'node:timers/promises';
import type { ProcessWatch } from './processes.ts';

export interface Usage {
  /** Cores used, by process; `generator` is this one. */
  readonly cores: Readonly<Record<string, number>>;
  readonly rssMib: Readonly<Record<string, number>>;
}

/** Usage is read so long before the window, because reading it stalls the generator. */
const BEFORE_MS = 100;

/** Resolves at the window's end; times as performance.now() has them. */
export async function usageBetween(watch: ProcessWatch, fromMs: number, toMs: number): Promise<Usage> {
  await wait(Math.max(0, fromMs - BEFORE_MS - performance.now()));
  const [before, ownBefore, sinceMs] = [watch.cpuSeconds(), process.cpuUsage(), performance.now()];
  await wait(Math.max(0, toMs - performance.now()));
  const own = process.cpuUsage(ownBefore);
  const seconds = (performance.now() - sinceMs) / 1_000;
  const cores: Record<string, number> = { generator: significant((own.user + own.system) / 1e6 / seconds) };
  for (const [name, cpu] of watch.cpuSeconds()) cores[name] = significant((cpu - (before.get(name) ?? 0)) / seconds);
  return { cores, rssMib: watch.rssMib() };
}

/** CPU of all but the generator. */
export function cpuUsPer(perSecond: number, { cores }: Usage): number {
  const { generator: _, ...servers } = cores;
  const used = Object.values(servers).reduce((sum, it) => sum + it, 0);
  return significant((used * 1e6) / perSecond);
}

export function significant(value: number): number {
  return Number(value.toPrecision(3));
}
