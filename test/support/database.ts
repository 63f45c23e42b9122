/**
 * A database of its own for each test file, on the server that scripts/test.mjs names (TEST_PG_*), or on the embedded
 * PostgreSQL 18 (TEST_PG18_*). Dropped afterwards, also when the test fails.
 */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { Database } from '../../src/postgres/database.ts';

export interface TestServer {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | undefined;
}

export interface TestDatabase extends TestServer {
  readonly name: string;
  open(options?: { poolSize?: number }): Database;
  query<R extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<R[]>;
  drop(): Promise<void>;
}

export function pgServer(prefix: 'TEST_PG' | 'TEST_PG18' = 'TEST_PG'): TestServer {
  const host = process.env[`${prefix}_HOST`];
  if (host === undefined) throw new Error(`${prefix}_HOST is not set: run the tests by npm test`);
  return {
    host,
    port: Number(process.env[`${prefix}_PORT`]),
    user: process.env[`${prefix}_USER`] ?? 'postgres',
    password: process.env[`${prefix}_PASSWORD`] === '' ? undefined : process.env[`${prefix}_PASSWORD`],
  };
}

export async function createTestDatabase(server: TestServer = pgServer()): Promise<TestDatabase> {
  const name = `tandem_test_${randomBytes(6).toString('hex')}`;
  await onServer(server, `create database ${name}`);
  const client = new pg.Client({ ...target(server), database: name });
  client.on('error', () => undefined);
  await client.connect();
  return {
    ...server,
    name,
    open: ({ poolSize = 3 } = {}) =>
      new Database({
        hosts: [{ host: server.host, port: server.port }],
        database: name,
        user: server.user,
        password: server.password,
        pooler: 'none',
        applicationName: 'test',
        poolSize,
      }),
    query: async (text, values) => (await client.query(text, values)).rows as never,
    async drop() {
      await client.end();
      await onServer(server, `drop database ${name} with (force)`);
    },
  };
}

async function onServer(server: TestServer, sql: string): Promise<void> {
  const client = new pg.Client({ ...target(server), database: 'postgres' });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

function target({ host, port, user, password }: TestServer): pg.ClientConfig {
  return { host, port, user, ...(password === undefined ? {} : { password }) };
}
