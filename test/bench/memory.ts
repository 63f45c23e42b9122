/** Memory of an idle process: as it settles by itself, and after a garbage collection that was asked for. */
import { setTimeout as wait } from 'node:timers/promises';
import { heapAfterGc, type Inspected } from '../support/inspector.ts';
import { rssMib } from './processes.ts';

export interface Memory {
  /** Resident, after the pause only. */
  readonly untouchedKib: number;
  /** Resident, after the garbage collection. */
  readonly rssKib: number;
  readonly heapKib: number;
  readonly externalKib: number;
}

/** The same for every target: nothing happens for so long before its memory is read. */
const PAUSE_MS = 2_000;
/** V8 gives pages back a little after the collection. */
const RETURN_MS = 500;

export async function settledMemory(target: Inspected & { readonly pid: number }): Promise<Memory> {
  await wait(PAUSE_MS);
  const untouchedKib = rssMib(target.pid) * 1_024;
  const { heapUsed, external } = await heapAfterGc(target);
  await wait(RETURN_MS);
  return { untouchedKib, rssKib: rssMib(target.pid) * 1_024, heapKib: heapUsed / 1_024, externalKib: external / 1_024 };
}

/** What each of `count` things has cost. */
export function memoryPer(count: number, before: Memory, after: Memory): Memory {
  const each = (name: keyof Memory): number => Number(((after[name] - before[name]) / count).toFixed(2));
  return { untouchedKib: each('untouchedKib'), rssKib: each('rssKib'), heapKib: each('heapKib'), externalKib: each('externalKib') };
}
