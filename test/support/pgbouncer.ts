/** A pgbouncer in transaction mode in front of a PostgreSQL. */
import { spawn } from 'node:child_process';
import { chmodSync, existsSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { eventually } from './eventually.ts';
import { Folder, freePort } from './process.ts';

/** For `skip`: why it cannot be started, or false. */
export function whyNoPgBouncer(): string | false {
  const isThere = (process.env['PATH'] ?? '').split(':').some(folder => existsSync(path.join(folder, 'pgbouncer')));
  return isThere ? false : 'pgbouncer is not installed';
}

export interface PgBouncer {
  readonly port: number;
  stop(): Promise<void>;
}

export async function startPgBouncer(target: {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string | undefined;
}): Promise<PgBouncer> {
  const port = await freePort();
  const folder = new Folder();
  chmodSync(folder.path, 0o755);
  const password = target.password === undefined ? '' : ` password=${target.password}`;
  const file = folder.write(
    'pgbouncer.ini',
    `[databases]\n* = host=${target.host} port=${target.port} user=${target.user}${password}\n` +
      `[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = ${port}\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\n` +
      'max_client_conn = 200\ndefault_pool_size = 20\nserver_idle_timeout = 1\n',
  );
  // It refuses to run as root.
  const args = process.getuid?.() === 0 ? ['-u', 'nobody', file] : [file];
  const child = spawn('pgbouncer', args, { stdio: 'ignore' });
  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()));
  await eventually(
    () =>
      new Promise<boolean>(resolve => {
        const socket = net.connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
        socket.once('connect', () => socket.destroy());
      }),
  );
  return {
    port,
    async stop() {
      child.kill('SIGINT');
      await exited;
      folder.remove();
    },
  };
}
