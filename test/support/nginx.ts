/** Real Nginx with a file of nginx-sites in front of nodes on free ports, in a temporary folder. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { spawnNginx, writeNginxConfig } from '../../scripts/nginx.mjs';
import { eventually } from './eventually.ts';
import { Folder, freePort } from './process.ts';

export interface Nginx {
  readonly url: string;
  readonly pid: number;
  readonly folder: string;
  accessLog(): string;
  stop(): Promise<void>;
}

/** `nodes`: ports by the numbers in the published file: 8260 the master, 8261 the slave, … */
export async function startNginx(options: {
  site?: string;
  nodes: Record<string, number>;
  tls?: boolean;
  https?: { port: number; cert: string; key: string };
}): Promise<Nginx> {
  const folder = new Folder();
  const port = await freePort();
  const { configFile } = writeNginxConfig({
    folder: folder.path,
    site: options.site ?? 'chat.conf',
    port,
    nodes: options.nodes,
    tls: options.tls ?? false,
    ...(options.https === undefined ? {} : { https: options.https }),
  });
  const child = spawnNginx('nginx', configFile);
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()));
  const url = `http://127.0.0.1:${port}`;
  await eventually(async () => {
    if (child.exitCode === null) await fetch(`${url}/healthz`, { redirect: 'manual' });
  });
  if (child.exitCode !== null) throw new Error(`nginx ended: ${said}`);
  return {
    url,
    pid: child.pid ?? 0,
    folder: folder.path,
    accessLog: () => readFileSync(path.join(folder.path, 'chat.access.log'), 'utf8'),
    async stop() {
      child.kill('SIGTERM');
      await exited;
      folder.remove();
    },
  };
}
