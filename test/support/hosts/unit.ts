/**
 * Does by hand what systemd does with an installed chat-server@.service: reads the unit and its environment file, runs
 * ExecStart and ExecStartPost as the unit's user without capabilities and on a root that cannot be written to, and
 * stops by KillSignal. What only systemd can do (system call filter, restarts) is left out.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { eventually } from '../eventually.ts';
import type { Host, Ran } from './host.ts';

export const UNIT = 'etc/systemd/system/chat-server@.service';

export interface UnitNode {
  readonly name: string;
  /** Inside its host. */
  readonly pid: number;
  /** What ExecStartPost came to. */
  readonly started: Ran;
  log(): string;
  /** ExecReload. */
  reload(): Promise<void>;
  /** KillSignal and then the exit code; rejects when TimeoutStopSec is over. */
  stop(): Promise<number | null>;
  /** SIGKILL, as by the kernel when memory is short. */
  kill(): Promise<void>;
}

/** The values of a key, in order; a key may stand several times. */
export function unitValues(text: string, key: string, instance: string): string[] {
  return text
    .split('\n')
    .filter(line => line.startsWith(`${key}=`))
    .map(line => line.slice(key.length + 1).replaceAll('%i', instance));
}

/** As ProtectSystem=strict, StateDirectory, PrivateTmp, User, NoNewPrivileges and CapabilityBoundingSet do. */
const SANDBOX = `
set -eu
mount --make-rprivate /
mount --bind /var/lib/chat-server /var/lib/chat-server
mount -t tmpfs tmpfs /tmp
mount -o remount,bind,ro /
cd "$1"; umask "$2"; shift 2
exec setpriv --reuid chat-server --regid chat-server --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all "$@"
`;

export async function startUnit(host: Host, name: string): Promise<UnitNode> {
  const text = readFileSync(path.join(host.root, UNIT), 'utf8');
  const values = (key: string): string[] => unitValues(text, key, name);
  const value = (key: string): string => {
    const [only, ...more] = values(key);
    if (only === undefined || more.length > 0) throw new Error(`the unit has ${values(key).length} lines ${key}=`);
    return only;
  };
  const env: Record<string, string> = {};
  const environmentFile = readFileSync(path.join(host.root, value('EnvironmentFile')), 'utf8');
  for (const line of [...values('Environment'), ...environmentFile.split('\n')]) {
    const [, key, rest] = /^(\w+)=(.*)$/.exec(line) ?? [];
    if (key !== undefined) env[key] = rest ?? '';
  }
  const sandboxed = (command: string): string[] => [
    'unshare',
    '--mount',
    'sh',
    '-c',
    SANDBOX,
    'sh',
    value('WorkingDirectory'),
    value('UMask'),
    ...command.split(' '),
  ];

  const child = host.spawn(['sh', '-c', 'echo $$; exec "$@"', 'sh', ...sandboxed(value('ExecStart'))], { env });
  let output = '';
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = new Promise<number | null>(resolve => child.once('exit', code => resolve(code)));
  const pid = await new Promise<number>((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      resolve(Number(output.split('\n')[0]));
    });
    child.once('exit', () => reject(new Error(`${name} ended at once: ${output}`)));
  });
  // Type=exec: what follows waits until the program itself runs, as its user.
  const program = path.basename(value('ExecStart').split(' ')[0] ?? '');
  await eventually(() => path.basename(readlinkSync(`/proc/${host.pid}/root/proc/${pid}/exe`)) === program);
  const started = await host.run(sandboxed(value('ExecStartPost')), {
    env: { ...env, MAINPID: String(pid) },
    within: Number(value('TimeoutStartSec')) * 1_000,
  });
  const signal = (which: string): Promise<Ran> => host.run(['sh', '-c', 'kill -s "$1" "$2"', 'sh', which, String(pid)]);
  return {
    name,
    pid,
    started,
    log: () => output,
    async reload() {
      const done = await host.run(value('ExecReload').replace('$MAINPID', String(pid)).split(' '));
      if (done.code !== 0) throw new Error(`ExecReload: ${done.stderr}`);
    },
    async stop() {
      await signal(value('KillSignal').replace(/^SIG/, ''));
      const within = Number(value('TimeoutStopSec')) * 1_000;
      let late: NodeJS.Timeout | undefined;
      const timeout = new Promise<never>((_, reject) => {
        late = setTimeout(() => reject(new Error(`${name} did not stop within ${within} ms:\n${output}`)), within);
      });
      return await Promise.race([exited, timeout]).finally(() => clearTimeout(late));
    },
    async kill() {
      await signal('KILL');
      await exited;
    },
  };
}
