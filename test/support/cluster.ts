/**
 * A cluster of real processes for one test, on a database and a virtual host of its own. Each node can have a network of
 * its own to PostgreSQL and RabbitMQ, to be cut, frozen or slowed down.
 */
import { mqServer, type VirtualHost, withVirtualHost } from './broker.ts';
import { Cleanup } from './cleanup.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { type Proxy, startProxy } from './faults/proxy.ts';
import { Folder, freePort, type NodeProcess, startNodeProcess } from './process.ts';
import { addOperator } from './staff.ts';

export const PASSWORD = 'correct horse';
export const [MASTER, SLAVE] = ['chat-master', 'chat-slave'];

export interface ClusterOptions {
  /** Lines of main.ini besides the addresses. */
  readonly ini?: string;
  /** A broker of the test's own instead of a virtual host on the common one; 'none': NOTIFY. */
  readonly broker?: { readonly port: number } | 'none';
  readonly operators?: number;
  /** The first one is the configured master. */
  readonly names?: readonly string[];
  /** Keys of cluster.json besides the published ones. */
  readonly json?: object;
  /** Each node reaches PostgreSQL and RabbitMQ through proxies of its own. */
  readonly proxied?: boolean;
  /** Environment of a node. */
  readonly env?: (name: string) => Record<string, string>;
  /** A database made by the test; it is not dropped. */
  readonly database?: TestDatabase;
  /** db_host and db_port, if they are not the database's. */
  readonly db?: { readonly host: string; readonly port?: number };
  /** Not to be started yet. */
  readonly without?: readonly string[];
}

export interface Network {
  readonly db: Proxy;
  readonly mq: Proxy | undefined;
}

export interface TestCluster {
  readonly folder: Folder;
  readonly database: TestDatabase;
  readonly vhost: VirtualHost | undefined;
  readonly master: NodeProcess;
  readonly slave: NodeProcess;
  /** Logins op1, op2, …, all with PASSWORD. */
  readonly logins: readonly string[];
  node(name: string): NodeProcess;
  network(name: string): Network;
  /** Flags of a node, for starting it by other means. */
  flags(name: string): string[];
  env(name: string): Record<string, string>;
  /** Starts a node (again), on the port that it had. */
  start(name: string): Promise<NodeProcess>;
  /** Who leads, as the database knows; '' for nobody. */
  leader(): Promise<string>;
  stop(): Promise<void>;
}

export async function startCluster(options: ClusterOptions = {}): Promise<TestCluster> {
  const cleanup = new Cleanup();
  const names = options.names ?? [MASTER, SLAVE];
  const [configured] = names;
  const { broker } = options;
  try {
    const database = options.database ?? cleanup.add(await createTestDatabase(), it => it.drop());
    const vhost = broker === undefined ? cleanup.add(await withVirtualHost(), it => it.delete()) : undefined;
    const mq = broker === 'none' ? undefined : broker === undefined ? mqServer() : { host: '127.0.0.1', port: broker.port };
    const folder = cleanup.add(new Folder(), it => it.remove());
    folder.write(
      'main.ini',
      [
        `db_host = ${options.db?.host ?? database.host}`,
        `db_port = ${options.db?.port ?? database.port}`,
        `db_name = ${database.name}`,
        `db_username = ${database.user}`,
        ...(database.password === undefined ? [] : [`db_password = ${database.password}`]),
        ...(mq === undefined ? [] : [`mq_host = ${mq.host}`, `mq_port = ${mq.port}`, `mq_virtual_host = ${vhost?.name ?? '/'}`]),
        'visitor_actions_per_second = 100000', // tests are quicker than people
        'visitor_reads_per_second = 100000',
        'visitor_connections_per_address = 1000000', // and all of one address
        'visitor_inits_per_second = 100000',
        'visitor_chats_per_minute = 1000000',
        options.ini ?? '',
      ].join('\n'),
    );
    folder.write('cluster.json', clusterJson(names, options.json));

    const networks = new Map<string, Network>();
    const nodes = new Map<string, NodeProcess>();
    const ports = new Map<string, number>();
    if (options.proxied === true) {
      for (const name of names) {
        const db = cleanup.add(await startProxy(database), it => it.close());
        networks.set(name, { db, mq: mq === undefined ? undefined : cleanup.add(await startProxy(mq), it => it.close()) });
      }
    }
    const cluster: TestCluster = {
      folder,
      database,
      vhost,
      logins: Array.from({ length: options.operators ?? 1 }, (_, i) => `op${i + 1}`),
      get master() {
        return cluster.node(names[0] ?? '');
      },
      get slave() {
        return cluster.node(names[1] ?? '');
      },
      node: name => known(nodes.get(name), name),
      network: name => known(networks.get(name), name),
      flags: name => [
        ...['--config', 'main.ini', '--cluster_config', 'cluster.json'],
        ...['--node_name', name, '--multinode_mode', name === configured ? 'master' : 'slave'],
      ],
      env(name) {
        const network = networks.get(name);
        const toProxies = network === undefined ? {} : { CHAT_DB_PORT: String(network.db.port) };
        const toBroker = network?.mq === undefined ? {} : { CHAT_MQ_PORT: String(network.mq.port) };
        return { ...toProxies, ...toBroker, ...options.env?.(name) };
      },
      async start(name) {
        const port = ports.get(name) ?? (await freePort());
        ports.set(name, port);
        const node = await startNodeProcess(cluster.flags(name), { cwd: folder.path, env: cluster.env(name), port });
        nodes.set(name, node);
        return node;
      },
      async leader() {
        const [lease] = await database.query<{ holder: string }>('select holder from lease where expires_at > clock_timestamp()');
        return lease?.holder ?? '';
      },
      stop: () => cleanup.run(),
    };
    cleanup.add(nodes, async () => {
      for (const { child } of nodes.values()) child.kill('SIGCONT'); // a stopped process does not hear SIGTERM
      for (const network of networks.values()) for (const proxy of [network.db, network.mq]) proxy?.thaw();
      await Promise.all([...nodes.values()].map(node => node.stop()));
    });
    // The first one leads, and makes the schema.
    for (const name of names) if (options.without?.includes(name) !== true) await cluster.start(name);
    for (const login of cluster.logins) await addOperator(folder, { login, fullname: `Operator ${login}`, password: PASSWORD });
    return cluster;
  } catch (error) {
    await cleanup.run();
    throw error;
  }
}

export function clusterJson(names: readonly string[], more: object = {}): string {
  return JSON.stringify({
    cluster_name: 'test',
    chat_server_node_names: names,
    chat_server_master_node_name: names[0],
    ...more,
  });
}

function known<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new Error(`${name} was not started, or has no network of its own`);
  return value;
}
