/** What nodes do per second, from the totals of their heartbeats, over the last two minutes. Pure. */
import type { ClusterNode } from './wire.ts';

export interface Sample {
  /** When the node said so, on this page's clock. */
  readonly atMs: number;
  readonly messages: number;
  readonly restCalls: number;
}

export interface History {
  /** Of the run of the node: totals begin anew with each. */
  readonly startedAt: string;
  /** Oldest first. */
  readonly samples: readonly Sample[];
}

export type Histories = ReadonlyMap<string, History>;
export type Figure = 'messages' | 'restCalls';

export interface Point {
  readonly atMs: number;
  readonly perSecond: number;
}

export const SHOWN_MS = 120_000;
/** Heartbeats are a second apart; nearer than this it is the same one, seen twice. */
const SAME_HEARTBEAT_MS = 500;
/** What is told as "per second" is the mean of this time, so that it can be read. */
const MEAN_OVER_MS = 5_000;

/** Of the nodes of an answer that came at `nowMs`; others are forgotten. */
export function remember(histories: Histories, nodes: readonly ClusterNode[], nowMs: number): Histories {
  return new Map(
    nodes.map(({ node, startedAt, stats, seenSecondsAgo }) => {
      const known = histories.get(node);
      const samples = known?.startedAt === startedAt ? known.samples.filter(({ atMs }) => atMs > nowMs - SHOWN_MS) : [];
      const atMs = nowMs - seenSecondsAgo * 1_000;
      const isNew = stats !== null && atMs - (samples.at(-1)?.atMs ?? 0) > SAME_HEARTBEAT_MS && atMs > nowMs - SHOWN_MS;
      const added = isNew ? [...samples, { atMs, messages: stats.messagesTotal, restCalls: stats.restCallsTotal }] : samples;
      return [node, { startedAt, samples: added }];
    }),
  );
}

/** undefined: not known yet. */
export function rateOf(history: History | undefined, figure: Figure): number | undefined {
  const last = history?.samples.at(-1);
  const first = last === undefined ? undefined : history?.samples.find(({ atMs }) => atMs >= last.atMs - MEAN_OVER_MS);
  return last === undefined || first === undefined || first === last ? undefined : between(first, last, figure);
}

/** A point for each heartbeat but the first. */
export function pointsOf(history: History | undefined, figure: Figure): Point[] {
  const samples = history?.samples ?? [];
  return samples.slice(1).map((sample, index) => {
    const before = samples[index] ?? sample;
    return { atMs: sample.atMs, perSecond: between(before, sample, figure) };
  });
}

function between(first: Sample, last: Sample, figure: Figure): number {
  return Math.max(0, ((last[figure] - first[figure]) * 1_000) / (last.atMs - first.atMs));
}
