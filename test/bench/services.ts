/**
 * What the bench runs on: a PostgreSQL of its own (the embedded one, durable as in life), the RabbitMQ and the Redis that
 * scripts/bench.mjs found or started. BENCH_PG=host:port names another PostgreSQL, with a superuser postgres and trust.
 */
import pg from 'pg';
import { type PrivatePostgres, startPrivatePostgres } from '../support/private-postgres.ts';

export interface BenchServices {
  readonly pg: { readonly host: string; readonly port: number; readonly user: string };
  readonly mq: { readonly port: number };
  readonly redis: { readonly port: number };
  /** Every commit's flush takes this much longer; 0: as the disk is. */
  slowFlush(microseconds: number): Promise<void>;
  /** Settings that decide about durability, and versions. */
  describe(): Promise<Readonly<Record<string, string>>>;
  stop(): Promise<void>;
}

const SETTINGS = {
  max_connections: '200',
  shared_buffers: '512MB',
  max_wal_size: '4GB',
  checkpoint_timeout: '15min',
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
};

export async function startServices(): Promise<BenchServices> {
  const named = process.env['BENCH_PG']?.split(':');
  const own: PrivatePostgres | undefined = named === undefined ? await startPrivatePostgres(SETTINGS) : undefined;
  const server = { host: named?.[0] ?? '127.0.0.1', port: own?.port ?? Number(named?.[1]), user: 'postgres' };
  const query = async (statement: string): Promise<Record<string, string>[]> => {
    const client = new pg.Client({ ...server, database: 'postgres' });
    await client.connect();
    try {
      return (await client.query<Record<string, string>>(statement)).rows;
    } finally {
      await client.end();
    }
  };
  return {
    pg: server,
    mq: { port: Number(process.env['TEST_MQ_PORT']) },
    redis: { port: Number(process.env['BENCH_REDIS_PORT']) },
    async slowFlush(microseconds) {
      await query(`alter system set commit_delay = ${microseconds}`);
      await query(`alter system set commit_siblings = ${microseconds > 0 ? 0 : 5}`);
      await query('select pg_reload_conf()');
    },
    async describe() {
      const names = [
        'server_version',
        'fsync',
        'synchronous_commit',
        'full_page_writes',
        'wal_sync_method',
        'shared_buffers',
        'commit_delay',
      ];
      const rows = await query(`select name, current_setting(name) as value from pg_settings where name in ('${names.join("','")}')`);
      return Object.fromEntries(rows.map(({ name, value }) => [name ?? '', value ?? '']));
    },
    async stop() {
      await own?.remove();
    },
  };
}
