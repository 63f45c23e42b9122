/**
 * RabbitMQ for tests: a virtual host of its own on the common broker (TEST_MQ_*), or a whole broker
 * that can be stopped.
 */
import { execFile, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { connect } from 'amqplib';
import { createMetrics, type MetricsRegistry } from '../../src/system/metrics.ts';
import type { Bus } from '../../src/ports/index.ts';
import { createRabbitBus, type RabbitBusOptions } from '../../src/rabbitmq/bus.ts';
import { eventually } from './eventually.ts';
import { freePort } from './process.ts';
import { type KeptLog, keptLog } from './silent.ts';

const run = promisify(execFile);
const RABBIT_SERVER = '/usr/lib/rabbitmq/bin/rabbitmq-server';
const RABBIT_CONTROL = '/usr/lib/rabbitmq/bin/rabbitmqctl';

export function mqServer(): { readonly host: string; readonly port: number } {
  const host = process.env['TEST_MQ_HOST'];
  if (host === undefined) throw new Error('TEST_MQ_HOST is not set: run the tests by npm test');
  return { host, port: Number(process.env['TEST_MQ_PORT']) };
}

export const INSTALLATION_ID = 'installation-of-the-tests';
export const ORIGIN = 'origin of the tests';
export const INSTALLATION_SECRET = 'secret of the tests';

/** A bus of a node of its own, not started, with its exchanges under the prefix `test`. */
export function makeRabbitBus(options: Partial<RabbitBusOptions> = {}): { bus: Bus; metrics: MetricsRegistry; log: KeptLog } {
  const metrics = createMetrics();
  const log = keptLog();
  const bus = createRabbitBus({
    hosts: options.hosts ?? [mqServer()],
    username: 'guest',
    password: 'guest',
    virtualHost: '/',
    prefix: 'test',
    nodeName: 'node',
    incarnation: randomUUID(),
    installationId: INSTALLATION_ID,
    installationSecret: INSTALLATION_SECRET,
    origin: () => ORIGIN,
    isMember: () => true,
    nowUs: () => Date.now() * 1_000,
    log,
    metrics,
    ...options,
  });
  return { bus, metrics, log };
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
    async closeConnections() {
      await rabbitmqctl('close_all_connections', '--vhost', name, 'cut by a test');
    },
    async delete() {
      await rabbitmqctl('delete_vhost', name);
    },
  };
}

/** On the common broker. TEST_MQ_NODE names its Erlang node when scripts/test.mjs has started one of its own. */
export function rabbitmqctl(...args: string[]): Promise<string> {
  return control(process.env['TEST_MQ_NODE'], process.env['TEST_MQ_HOME'], args);
}

async function control(node: string | undefined, home: string | undefined, args: readonly string[]): Promise<string> {
  // The wrapper on the PATH becomes the user rabbitmq, whose HOME holds the cookie of the common broker only.
  const program = home !== undefined && existsSync(RABBIT_CONTROL) ? RABBIT_CONTROL : 'rabbitmqctl';
  const { stdout } = await run(program, [...(node === undefined ? [] : ['-n', node]), '-q', ...args], {
    env: { ...process.env, ...(home === undefined ? {} : { HOME: home }) },
  });
  return stdout;
}

export interface BrokerTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** Clients must show a certificate of the same authority. */
  readonly wantsCertificate: boolean;
}

export interface PrivateBroker {
  readonly port: number;
  /** Of TLS, where it was wanted. */
  readonly tlsPort: number;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Runs rabbitmqctl on it and returns what that prints. */
  rabbitmqctl(...args: string[]): Promise<string>;
  /** Stops it and removes its data. */
  remove(): Promise<void>;
}

const STOP_WITHIN_MS = 20_000;

/** A broker of the test's own, on free ports, with its data in a temporary folder. */
export async function startPrivateBroker(tls?: BrokerTls): Promise<PrivateBroker> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tandem-rabbit-'));
  const port = await freePort();
  const tlsPort = await freePort();
  if (tls !== undefined) writeFileSync(path.join(folder, 'rabbitmq.conf'), tlsLines(tls, tlsPort));
  const distPort = await freePort();
  const node = `tandem${randomBytes(4).toString('hex')}@localhost`;
  const env = {
    ...process.env,
    HOME: folder,
    RABBITMQ_NODENAME: node,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distPort),
    RABBITMQ_MNESIA_BASE: path.join(folder, 'mnesia'),
    RABBITMQ_LOG_BASE: path.join(folder, 'log'),
    RABBITMQ_SCHEMA_DIR: path.join(folder, 'schema'),
    RABBITMQ_GENERATED_CONFIG_DIR: path.join(folder, 'config'),
    RABBITMQ_PID_FILE: path.join(folder, 'pid'),
    RABBITMQ_ENABLED_PLUGINS_FILE: path.join(folder, 'enabled_plugins'),
    RABBITMQ_CONFIG_FILE: path.join(folder, tls === undefined ? 'none' : 'rabbitmq.conf'),
    RABBITMQ_CONF_ENV_FILE: path.join(folder, 'none-env'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
  };
  let ended: Promise<void> = Promise.resolve();
  let kill: (signal: NodeJS.Signals) => void = () => undefined;
  const broker: PrivateBroker = {
    port,
    tlsPort,
    async start() {
      // In a process group of its own: the start script runs the broker as a child, and both must end.
      const child = spawn(RABBIT_SERVER, [], { env, cwd: folder, stdio: 'ignore', detached: true });
      ended = new Promise(resolve => child.once('exit', () => resolve()));
      kill = signal => {
        if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-child.pid, signal);
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
      kill('SIGTERM');
      const late = setTimeout(() => kill('SIGKILL'), STOP_WITHIN_MS);
      await ended;
      clearTimeout(late);
    },
    rabbitmqctl: (...args) => control(node, folder, args),
    async remove() {
      await broker.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await broker.start();
  return broker;
}

function tlsLines({ ca, cert, key, wantsCertificate }: BrokerTls, port: number): string {
  return [
    `listeners.ssl.1 = 127.0.0.1:${port}`,
    `ssl_options.cacertfile = ${ca}`,
    `ssl_options.certfile = ${cert}`,
    `ssl_options.keyfile = ${key}`,
    `ssl_options.verify = ${wantsCertificate ? 'verify_peer' : 'verify_none'}`,
    `ssl_options.fail_if_no_peer_cert = ${String(wantsCertificate)}`,
    '',
  ].join('\n');
}
