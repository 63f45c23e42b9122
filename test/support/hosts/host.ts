/**
 * A host of its own on this machine: network, process, mount and host name namespaces around a root folder that holds
 * what install.sh staged there, with the machine's /usr. Its first process reads our standard input: when it is closed,
 * or this process dies, the host ends with all that runs in it, and its interfaces go too.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Host {
  readonly name: string;
  /** Where its files are, seen from outside. */
  readonly root: string;
  /** Its first process, for `nsenter`. */
  readonly pid: number;
  /** Runs a program inside to its end. */
  run(command: readonly string[], options?: { env?: NodeJS.ProcessEnv; input?: string; within?: number }): Promise<Ran>;
  /** Starts a program inside; it ends with the host at the latest. */
  spawn(command: readonly string[], options?: { env?: NodeJS.ProcessEnv }): ChildProcess;
  stop(): Promise<void>;
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin';

/** /proc/self is still the one of outside when it is read: that is this shell's pid as `nsenter` needs it. */
const FIRST_PROCESS = `
set -eu
root=$1
read -r pid rest < /proc/self/stat
echo "$2" > /proc/sys/kernel/hostname
ip link set lo up
mount --bind "$root" "$root"
mount --bind "$root/usr/local/bin" "$root/mnt"
mount --bind /usr "$root/usr"
mount -o remount,bind,ro "$root/usr"
mount --move "$root/mnt" "$root/usr/local/bin"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs tmpfs "$root/run"
echo "$pid"
exec chroot "$root" /usr/bin/cat
`;

/** What programs of the machine's /usr want to find. */
const FILES_OF_ETC = ['passwd', 'group', 'nsswitch.conf', 'ld.so.cache', 'ld.so.conf', 'ld.so.conf.d', 'alternatives'];

/** The folder of a host before anything is installed in it. */
export function makeRoot(root: string): void {
  for (const folder of ['dev', 'etc', 'mnt', 'opt', 'proc', 'root', 'run', 'tmp', 'usr/local/bin', 'var/lib', 'var/log'])
    mkdirSync(path.join(root, folder), { recursive: true });
  for (const name of readdirSync('/')) {
    if (/^(bin|sbin|lib.*)$/.test(name)) cpSync(path.join('/', name), path.join(root, name), { verbatimSymlinks: true });
  }
  for (const name of FILES_OF_ETC) {
    const file = path.join('/etc', name);
    if (existsSync(file)) cpSync(file, path.join(root, 'etc', name), { recursive: true, verbatimSymlinks: true });
  }
  writeFileSync(path.join(root, 'etc/hosts'), '127.0.0.1 localhost\n');
}

/** Why hosts cannot be made here; undefined when they can. */
export async function whyNoHosts(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'namespaces need root';
  if (/^\/(root|home|tmp)\//.test(process.execPath)) return `install.sh refuses this Node: ${process.execPath}`;
  const probe = 'ip link add probe type bridge && nft list tables && systemd-sysusers --version && systemd-analyze --version';
  const tried = await run('unshare', [...NAMESPACES, 'sh', '-c', probe], {});
  return tried.code === 0 ? undefined : `namespaces, bridges or programs are missing here: ${tried.stderr.trim()}`;
}

const NAMESPACES = ['--net', '--mount', '--uts', '--ipc', '--pid', '--fork', '--kill-child', '--propagation', 'private'];

export async function startHost(name: string, root: string): Promise<Host> {
  const child = spawn('unshare', [...NAMESPACES, 'sh', '-c', FIRST_PROCESS, 'sh', root, name], { stdio: ['pipe', 'pipe', 'pipe'] });
  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()));
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const pid = await new Promise<number>((resolve, reject) => {
    child.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString())));
    child.once('exit', () => reject(new Error(`the host ${name} did not start: ${said}`)));
  });
  const enter = ['-t', String(pid), '-n', '-m', '-u', '-i', '-p', '-r', '-w'];
  const environment = (env: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({ PATH, LANG: 'C.UTF-8', HOME: '/root', ...env });
  return {
    name,
    root,
    pid,
    run: (command, { env, input, within = 30_000 } = {}) =>
      run('nsenter', [...enter, ...command], { env: environment(env), timeout: within }, input),
    spawn: (command, { env } = {}) =>
      spawn('nsenter', [...enter, ...command], { env: environment(env), stdio: ['ignore', 'pipe', 'pipe'] }),
    async stop() {
      child.stdin.end();
      await exited;
    },
  };
}

/** Runs a program to its end; one that cannot be started has no code. */
export function run(command: string, args: readonly string[], options: object, input?: string): Promise<Ran> {
  return new Promise(resolve => {
    const child = execFile(command, args, { encoding: 'utf8', ...options }, (error, stdout, stderr) =>
      resolve({
        code: error === null ? 0 : typeof error.code === 'number' ? error.code : null,
        stdout,
        stderr: stderr || (error?.message ?? ''),
      }),
    );
    child.stdin?.on('error', () => undefined).end(input ?? ''); // it may end without reading
  });
}

/** The same, and it must succeed. */
export async function mustRun(command: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(command, args, { timeout: 120_000 });
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} (${code ?? 'killed'}): ${stderr}${stdout}`);
  return stdout;
}
