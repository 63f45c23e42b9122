/** Starts dist/main.js as a user would, in a folder of its own, and speaks to it from outside. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { eventually } from './eventually.ts';

export const MAIN = path.resolve(import.meta.dirname, '../../dist/main.js');

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder with main.ini, main.ini.d and cluster.json, removed by `remove`. */
export class Folder {
  readonly path = mkdtempSync(path.join(tmpdir(), 'tandem-test-'));

  write(name: string, content: string): string {
    const file = path.join(this.path, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
    return file;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Runs a command of the binary to its end. */
export function chatServer(
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string>; input?: string } = {},
): Promise<Finished> {
  return new Promise(resolve => {
    const child = execFile(
      process.execPath,
      [MAIN, ...args],
      { cwd: options.cwd ?? tmpdir(), env: { ...process.env, ...options.env }, timeout: 60_000 },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : null, stdout, stderr }),
    );
    child.stdin?.end(options.input ?? '');
  });
}

export interface NodeProcess {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly child: ChildProcess;
  /** Its log, as far as it has come. */
  log(): string;
  status(): Promise<
    Record<string, never> & { state: string; role: string; leader: string; transport: string; revision: string; main: { pid: number } }
  >;
  /** By its name without the prefix; with its labels as Prometheus writes them: `leader_changes_total{reason="crash"}`. */
  metric(name: string): Promise<number>;
  /** Its log lines of this event. */
  events(event: string): { readonly time: string; readonly [field: string]: unknown }[];
  kill(): Promise<void>;
  /** Resident memory in MiB. */
  rss(): number;
  /** SIGTERM, and the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

const running = new Set<ChildProcess>();
// A process that is ended in the middle leaves no node behind.
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a node and waits until it is ready. */
export async function startNodeProcess(
  args: readonly string[],
  options: {
    cwd: string;
    env?: Record<string, string>;
    port?: number;
    readyWithin?: number;
    nodeFlags?: readonly string[];
    /** Told all of its log as it grows, also before it is ready. */
    onLog?: (log: string) => void;
  },
): Promise<NodeProcess> {
  const port = options.port ?? (await freePort());
  const child = spawn(process.execPath, [...(options.nodeFlags ?? []), MAIN, 'start', ...args, '--port', String(port)], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  let output = '';
  const hear = (chunk: Buffer): void => {
    output += chunk.toString();
    options.onLog?.(output);
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const url = `http://127.0.0.1:${port}`;
  const exited = new Promise<number | null>(resolve => child.once('exit', code => resolve(code)));
  try {
    await eventually(
      async () => {
        if (child.exitCode !== null) throw new Error('the node ended');
        return (await fetch(`${url}/readyz`)).ok;
      },
      { within: options.readyWithin ?? 20_000 },
    );
  } catch (error) {
    child.kill('SIGKILL');
    throw new Error(`the node did not become ready:\n${output}`, { cause: error });
  }
  return {
    url,
    port,
    pid: child.pid ?? 0,
    child,
    log: () => output,
    status: async () => (await (await fetch(`${url}/status`)).json()) as never,
    async metric(name) {
      const text = await (await fetch(`${url}/metrics`)).text();
      const line = text.split('\n').find(candidate => candidate.startsWith(`chat_${name} `));
      return Number(line?.split(' ')[1] ?? Number.NaN);
    },
    events: event =>
      output
        .split('\n')
        .filter(line => line.startsWith('{') && line.endsWith('}'))
        .map(line => JSON.parse(line) as { time: string; event: string })
        .filter(line => line.event === event),
    rss: () => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid ?? 0}/status`, 'utf8'))?.[1]) / 1024,
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    stop(signal = 'SIGTERM') {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      return exited;
    },
  };
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as net.AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
