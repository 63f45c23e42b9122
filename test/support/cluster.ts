/** A cluster of real processes for one test: master and slave on a database and a virtual host of their own, Nginx in front. */
import { createTestDatabase, type TestDatabase } from './database.ts';
import { mqServer, type VirtualHost, withVirtualHost } from './broker.ts';
import { chatServer, Folder, type NodeProcess, startNodeProcess } from './process.ts';

export const PASSWORD = 'correct horse';

export interface ClusterOptions {
  /** Lines of main.ini besides the addresses. */
  readonly ini?: string;
  /** A broker of the test's own instead of a virtual host on the common one. */
  readonly broker?: { readonly port: number };
  readonly operators?: number;
}

export interface TestCluster {
  readonly folder: Folder;
  readonly database: TestDatabase;
  readonly vhost: VirtualHost | undefined;
  readonly master: NodeProcess;
  readonly slave: NodeProcess;
  /** Logins op1, op2, …, all with PASSWORD. */
  readonly logins: readonly string[];
  stop(): Promise<void>;
}

export async function startCluster(options: ClusterOptions = {}): Promise<TestCluster> {
  const database = await createTestDatabase();
  const vhost = options.broker === undefined ? await withVirtualHost() : undefined;
  const mq = options.broker === undefined ? mqServer() : { host: '127.0.0.1', port: options.broker.port };
  const folder = new Folder();
  folder.write(
    'main.ini',
    [
      `db_host = ${database.host}`,
      `db_port = ${database.port}`,
      `db_name = ${database.name}`,
      `db_username = ${database.user}`,
      ...(database.password === undefined ? [] : [`db_password = ${database.password}`]),
      `mq_host = ${mq.host}`,
      `mq_port = ${mq.port}`,
      `mq_virtual_host = ${vhost?.name ?? '/'}`,
      'visitor_actions_per_second = 100000', // tests are quicker than people
      options.ini ?? '',
    ].join('\n'),
  );
  folder.write(
    'cluster.json',
    JSON.stringify({
      cluster_name: 'test',
      chat_server_node_names: ['chat-master', 'chat-slave'],
      chat_server_master_node_name: 'chat-master',
    }),
  );
  const nodes: NodeProcess[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map(node => node.stop()));
    await vhost?.delete();
    await database.drop();
    folder.remove();
  };
  try {
    const start = async (name: string, mode: string): Promise<NodeProcess> => {
      const node = await startNodeProcess(
        ['--config', 'main.ini', '--node_name', name, '--cluster_config', 'cluster.json', '--multinode_mode', mode],
        { cwd: folder.path },
      );
      nodes.push(node);
      return node;
    };
    const master = await start('chat-master', 'master');
    const slave = await start('chat-slave', 'slave');
    const logins = Array.from({ length: options.operators ?? 1 }, (_, i) => `op${i + 1}`);
    for (const login of logins) {
      const added = await chatServer(['operator', 'add', '--login', login, '--fullname', `Operator ${login}`, '--password', PASSWORD], {
        cwd: folder.path,
      });
      if (added.code !== 0) throw new Error(`operator add: ${added.stderr}`);
    }
    return { folder, database, vhost, master, slave, logins, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
