/** RabbitMQ for tests: a virtual host of its own on the common broker (TEST_MQ_*), or a whole broker that can be stopped. */
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { connect } from 'amqplib';
import { eventually } from './eventually.ts';
import { freePort } from './process.ts';

const run = promisify(execFile);

export function mqServer(): { readonly host: string; readonly port: number } {
  const host = process.env['TEST_MQ_HOST'];
  if (host === undefined) throw new Error('TEST_MQ_HOST is not set: run the tests by npm test');
  return { host, port: Number(process.env['TEST_MQ_PORT']) };
}

export interface VirtualHost {
  readonly name: string;
  /** Cuts all connections of this virtual host, as an administrator would. */
  closeConnections(): Promise<void>;
  delete(): Promise<void>;
}

export async function withVirtualHost(): Promise<VirtualHost> {
  const name = `tandem-test-${randomBytes(6).toString('hex')}`;
  await rabbitmqctl('add_vhost', name);
  await rabbitmqctl('set_permissions', '-p', name, 'guest', '.*', '.*', '.*');
  return {
    name,
    closeConnections: () => rabbitmqctl('close_all_connections', '--vhost', name, 'cut by a test'),
    delete: () => rabbitmqctl('delete_vhost', name),
  };
}

/** TEST_MQ_NODE names the broker's Erlang node when scripts/test.mjs has started one of its own. */
async function rabbitmqctl(...args: string[]): Promise<void> {
  const node = process.env['TEST_MQ_NODE'];
  const [command = '', ...rest] = args;
  await run('rabbitmqctl', [...(node === undefined ? [] : ['-n', node]), '-q', command, ...rest], {
    env: { ...process.env, ...(process.env['TEST_MQ_HOME'] === undefined ? {} : { HOME: process.env['TEST_MQ_HOME'] }) },
  });
}

export interface PrivateBroker {
  readonly port: number;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Stops it and removes its data. */
  remove(): Promise<void>;
}

/** A broker of the test's own, on free ports, with its data in a temporary folder. */
export async function startPrivateBroker(): Promise<PrivateBroker> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tandem-rabbit-'));
  const port = await freePort();
  const distPort = await freePort();
  const env = {
    ...process.env,
    HOME: folder,
    RABBITMQ_NODENAME: `tandem${randomBytes(4).toString('hex')}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distPort),
    RABBITMQ_MNESIA_BASE: path.join(folder, 'mnesia'),
    RABBITMQ_LOG_BASE: path.join(folder, 'log'),
    RABBITMQ_SCHEMA_DIR: path.join(folder, 'schema'),
    RABBITMQ_GENERATED_CONFIG_DIR: path.join(folder, 'config'),
    RABBITMQ_PID_FILE: path.join(folder, 'pid'),
    RABBITMQ_ENABLED_PLUGINS_FILE: path.join(folder, 'enabled_plugins'),
    RABBITMQ_CONFIG_FILE: path.join(folder, 'none'),
    RABBITMQ_CONF_ENV_FILE: path.join(folder, 'none-env'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
  };
  let ended: Promise<void> = Promise.resolve();
  let kill: () => void = () => undefined;
  const broker: PrivateBroker = {
    port,
    async start() {
      // In a process group of its own: the start script runs the broker as a child, and both must end.
      const child = spawn('/usr/lib/rabbitmq/bin/rabbitmq-server', [], { env, cwd: folder, stdio: 'ignore', detached: true });
      ended = new Promise(resolve => child.once('exit', () => resolve()));
      kill = () => {
        if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM');
      };
      await eventually(
        async () => {
          const connection = await connect({ hostname: '127.0.0.1', port, username: 'guest', password: 'guest' });
          await connection.close();
        },
        { within: 40_000, every: 200 },
      );
    },
    async stop() {
      kill();
      await ended;
    },
    async remove() {
      await broker.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await broker.start();
  return broker;
}
