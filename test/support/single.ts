/** A single node as a process, on a database of its own. */
import { Cleanup } from './cleanup.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { Folder, type NodeProcess, startNodeProcess } from './process.ts';
import { addOperator } from './staff.ts';

export interface SingleNode {
  readonly node: NodeProcess;
  readonly database: TestDatabase;
  readonly folder: Folder;
  stop(): Promise<void>;
}

/** `login`s get the password `correct horse`. `port`: of a proxy in front of PostgreSQL. */
export async function startSingle({
  ini = '',
  logins = ['op'],
  port,
}: {
  ini?: string;
  logins?: readonly string[];
  port?: (database: TestDatabase) => Promise<number>;
} = {}): Promise<SingleNode> {
  const cleanup = new Cleanup();
  try {
    const database = cleanup.add(await createTestDatabase(), it => it.drop());
    const folder = cleanup.add(new Folder(), it => it.remove());
    const dbPort = port === undefined ? database.port : await port(database);
    folder.write(
      'main.ini',
      `db_host = ${database.host}\ndb_port = ${dbPort}\ndb_name = ${database.name}\ndb_username = ${database.user}\ndb_password = ${database.password ?? ''}\nvisitor_actions_per_second = 100000\nvisitor_reads_per_second = 100000\nvisitor_connections_per_address = 1000000\nvisitor_inits_per_second = 100000\nvisitor_chats_per_minute = 1000000\n${ini}\n`,
    );
    const node = cleanup.add(await startNodeProcess([], { cwd: folder.path }), it => it.stop());
    for (const login of logins) await addOperator(folder, { login, fullname: `Operator ${login}`, password: 'correct horse' });
    return { node, database, folder, stop: () => cleanup.run() };
  } catch (error) {
    await cleanup.run();
    throw error;
  }
}
