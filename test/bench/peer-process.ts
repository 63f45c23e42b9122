/** A peer's server as a process of its own: prints its port when it is ready, ends when its stdin ends. */
import { spawn } from 'node:child_process';
import path from 'node:path';

/** What --inspect makes Node say. */
const FROM_INSPECTOR = /^(Debugger|For help, see)/;

export interface PeerProcess {
  readonly pid: number;
  readonly port: number;
  /** What it said on stderr. */
  log(): string;
  stop(): Promise<void>;
}

export async function startPeer(file: string, options: object, nodeFlags: readonly string[] = []): Promise<PeerProcess> {
  const child = spawn(process.execPath, [...nodeFlags, path.join(import.meta.dirname, 'servers', file), JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString();
    if (!FROM_INSPECTOR.test(chunk.toString())) process.stderr.write(chunk);
  });
  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()));
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString())));
    child.once('exit', code => reject(new Error(`${file} ended (${code ?? 'by a signal'})`)));
  });
  return {
    pid: child.pid ?? 0,
    port,
    log: () => log,
    async stop() {
      child.stdin.end();
      const slow = setTimeout(() => child.kill('SIGKILL'), 3_000);
      await exited;
      clearTimeout(slow);
    },
  };
}
