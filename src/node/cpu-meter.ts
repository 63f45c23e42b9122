/** This process' share of a processor, in percent of one. Over a shorter time than `overMs` it is noise: the last figure is told again. */
import { performance } from 'node:perf_hooks';

export interface CpuMeterOptions {
  readonly nowMs?: () => number;
  /** Used since the start of the process, in microseconds. */
  readonly usedUs?: () => number;
}

/** Returns what reads it. */
export function cpuMeter(overMs: number, { nowMs = () => performance.now(), usedUs = used }: CpuMeterOptions = {}): () => number {
  let sinceMs = nowMs();
  let sinceUs = usedUs();
  let percent = 0;
  return () => {
    const tookMs = nowMs() - sinceMs;
    if (tookMs < overMs) return percent;
    const nowUs = usedUs();
    percent = Math.round((nowUs - sinceUs) / tookMs) / 10;
    sinceUs = nowUs;
    sinceMs += tookMs;
    return percent;
  };
}

function used(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
