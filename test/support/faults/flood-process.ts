/**
 * The floods of floods.ts from a process of their own, which gives way to all others: a flood comes from another machine, and what is
 * measured beside it must not be its sender. Started by `floodFrom`; ends with its parent.
 */
import { fork } from 'node:child_process';
import { setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Flood, trickles, unreadAnswers, webSockets } from './floods.ts';

export interface FloodPlan {
  readonly port: number;
  /** See unreadAnswers. */
  readonly readers: { readonly count: number; readonly heads: readonly string[] };
  readonly webSockets: readonly { readonly url: string; readonly headers: Record<string, string> }[];
  /** The addresses of uploads that trickle. */
  readonly trickles: readonly string[];
}

export function floodFrom(plan: FloodPlan): Flood {
  const child = fork(fileURLToPath(import.meta.url), ['flood'], {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  if (child.pid !== undefined) setPriority(child.pid, 19);
  child.send(plan);
  return { stop: () => void child.kill('SIGKILL') };
}

if (process.argv[2] === 'flood' && process.send !== undefined) {
  process.once('disconnect', () => process.exit());
  process.once('message', (plan: FloodPlan) => {
    unreadAnswers(plan.port, plan.readers.count, plan.readers.heads);
    webSockets(plan.webSockets.length, i => plan.webSockets[i] as FloodPlan['webSockets'][number]);
    trickles(plan.port, plan.trickles.length, i => plan.trickles[i] ?? '');
  });
}
