/** CPU and memory of processes with all their descendants, from /proc. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100;

export interface Watched {
  readonly name: string;
  readonly pid: number;
}

/** CPU seconds by name at one moment. Pids are looked up once: a walk through /proc takes ~40 ms. */
export class ProcessWatch {
  readonly #trees: readonly { readonly name: string; readonly pids: readonly number[] }[];

  constructor(watched: readonly Watched[]) {
    const children = childrenByParent();
    this.#trees = watched.map(({ name, pid }) => ({ name, pids: descendants(pid, children) }));
  }

  cpuSeconds(): Map<string, number> {
    return new Map(this.#trees.map(({ name, pids }) => [name, pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0)]));
  }

  /** Resident memory in MiB of the process itself, by name. */
  rssMib(): Record<string, number> {
    return Object.fromEntries(this.#trees.map(({ name, pids }) => [name, Math.round(rssMib(pids[0] ?? 0))]));
  }
}

export function rssMib(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(statusOf(pid))?.[1] ?? 0) / 1024;
}

/** Memory in MiB of a process and its descendants that they do not share with each other. */
export function privateMib(pid: number): number {
  const kib = descendants(pid, childrenByParent()).map(it => Number(/RssAnon:\s+(\d+)/.exec(statusOf(it))?.[1] ?? 0));
  return kib.reduce((sum, it) => sum + it, 0) / 1024;
}

/** User and system time, that of ended children included. */
export function cpuSeconds(pid: number): number {
  const fields = statFields(pid);
  return fields === undefined ? 0 : fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_PER_SECOND;
}

/** Who listens on 127.0.0.1:port. */
export function listenerPid(port: number): number {
  const listed = execFileSync('ss', ['-ltnpH', `sport = :${port}`], { encoding: 'utf8' });
  const pid = /pid=(\d+)/.exec(listed)?.[1];
  if (pid === undefined) throw new Error(`nobody listens on port ${port}, or not as this user`);
  return Number(pid);
}

export function loadAverage(): number {
  return Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0]);
}

/** Empty when it has ended. */
function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return '';
  }
}

/** The fields of /proc/pid/stat behind the name: [0] state, [1] parent, [11] utime, [12] stime, [13] cutime, [14] cstime. */
function statFields(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function childrenByParent(): Map<number, number[]> {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const parent = Number(statFields(Number(entry))?.[1] ?? 0);
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  return children;
}

function descendants(pid: number, children: ReadonlyMap<number, readonly number[]>): number[] {
  return [pid, ...(children.get(pid) ?? []).flatMap(child => descendants(child, children))];
}
