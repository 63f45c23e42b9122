/**
 * A host whose first process is a real systemd, in namespaces on a copy-on-write view of this machine's files, with this machine's
 * network: services of the test are reached at 127.0.0.1. It ends when our standard input to it is closed, so with this
 * process too; all that was written in it is gone then.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { eventually } from '../eventually.ts';
import { type Ran, run } from './host.ts';

export interface SystemdHost {
  run(...command: string[]): Promise<Ran>;
  stop(): Promise<void>;
}

const ROOT = path.resolve(import.meta.dirname, '../../..');
/** Where this project is on the host, to be read, wherever it is here. */
export const PROJECT = '/srv/project';

/** The mounts are in a namespace of their own and go with it. pivot_root and no chroot: in one PrivateUsers= fails. */
const FIRST_PROCESS = `
set -eu
trap : TERM INT HUP # a signal to all of the test ends the host too, and not only us
mount -t tmpfs tmpfs "$1"
cd "$1"
mkdir upper work root
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" root
unshare --fork --kill-child --pid --mount --uts --ipc --cgroup bash -c '
  set -eu
  mount --bind "$1" "$1"
  mount -t proc proc "$1/proc"
  for folder in run tmp; do mount -t tmpfs tmpfs "$1/$folder"; done
  mkdir -p "$1${PROJECT}"; mount --bind "$2" "$1${PROJECT}"; mount -o remount,bind,ro "$1${PROJECT}"
  mount -t sysfs sysfs "$1/sys" || true
  umount "$1/sys/fs/cgroup" 2>/dev/null || true
  mount -t cgroup2 cgroup2 "$1/sys/fs/cgroup"
  rm -f "$1/etc/machine-id"; : > "$1/etc/machine-id"
  mkdir -p "$1/.old"; cd "$1"
  pivot_root . .old
  umount -l /.old; rmdir /.old
  exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin container=namespaces \\
    /lib/systemd/systemd --system --unit=basic.target --log-target=journal --show-status=0
' sh "$1/root" "$2" > /dev/null 2>&1 < /dev/null &
echo $!
cat > /dev/null || true
kill -9 $!
wait || true
`;

/** Why there can be none here; undefined when there can. */
export async function whyNoSystemd(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'namespaces need root';
  const tried = await run(
    'unshare',
    [
      '--mount',
      '--pid',
      '--fork',
      'sh',
      '-c',
      'test -x /lib/systemd/systemd && mount -t cgroup2 cgroup2 /mnt && mount -t tmpfs tmpfs /mnt && mkdir /mnt/u /mnt/w && mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w /media',
    ],
    {},
  );
  return tried.code === 0 ? undefined : `systemd, overlay or cgroup2 is missing here: ${tried.stderr.trim()}`;
}

export async function startSystemdHost(): Promise<SystemdHost> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tandem-systemd-'));
  const child = spawn('unshare', ['--mount', '--propagation', 'private', 'bash', '-c', FIRST_PROCESS, 'bash', folder, ROOT], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()));
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const starter = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
    child.once('exit', () => reject(new Error(`systemd did not start: ${said}`)));
  });
  const inside = async (...command: string[]): Promise<Ran> => {
    const { stdout } = await run('pgrep', ['-P', starter], {});
    const enter = ['-t', stdout.trim(), '-m', '-p', '-r', '-w', '-u', '-i'];
    const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin', LANG: 'C.UTF-8', HOME: '/root' };
    return run('nsenter', [...enter, ...command], { env, timeout: 180_000, maxBuffer: 64 * 1_048_576 });
  };
  const host: SystemdHost = {
    run: inside,
    async stop() {
      child.stdin.end();
      await exited;
      rmdirSync(folder);
    },
  };
  try {
    await eventually(async () => /running|degraded/.test((await inside('systemctl', 'is-system-running')).stdout), {
      within: 30_000,
      every: 100,
    });
  } catch (error) {
    await host.stop();
    throw error;
  }
  return host;
}
