/**
 * Brings the schema up to date: plain SQL files, forward only, all in one transaction. Nodes that start together wait
 * for the one that migrates (at most 60 s); a schema newer than this binary is refused. The library is loaded when there is something to do:
 * that takes a third of a second, of every command and start.
 */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ChatError } from '../domain/error.ts';
import type { Database } from './database.ts';
import { sqlState } from './failures.ts';
import { BEGIN } from './session.ts';

const FOLDER = fileURLToPath(new URL('./migrations', import.meta.url));
const TABLE = 'schema_migration';

/** The database was migrated by a newer binary. Exit code 78. */
export class SchemaTooNew extends Error {
  override readonly name = 'SchemaTooNew';
}

/** Returns the names of the migrations it ran. */
export async function migrate(database: Database): Promise<string[]> {
  const client = await database.connect();
  try {
    await client.query(`${database.begin(BEGIN)}; set local lock_timeout = '60s'; select pg_advisory_xact_lock(74617, 2)`);
    if (await isUpToDate(client)) return [];
    const { runner } = await import('node-pg-migrate');
    // singleTransaction: its commit ends the transaction begun here, and with it the lock.
    const done = await runner({
      dbClient: client,
      dir: FOLDER,
      direction: 'up',
      migrationsTable: TABLE,
      singleTransaction: true,
      noLock: true,
      checkOrder: true,
      logger: { debug() {}, info() {}, warn() {}, error() {} },
    });
    await client.query('commit');
    return done.map(migration => migration.name);
  } catch (error) {
    if (sqlState(error) === '55P03') {
      throw new ChatError('unavailable', 'server-not-ready', 'another node has been migrating the schema for more than 60 s', {
        cause: error,
      });
    }
    throw database.explain(error);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Refuses, before anything is changed, migrations that this binary does not have. */
async function isUpToDate(client: { query(text: string): Promise<{ rows: { name: string }[] }> }): Promise<boolean> {
  const own = new Set(readdirSync(FOLDER).map(file => file.replace(/\.sql$/, '')));
  const exists = await client.query(`select relname as name from pg_class where oid = to_regclass('public.${TABLE}')`);
  if (exists.rows.length === 0) return false;
  const { rows } = await client.query(`select name from ${TABLE} order by name`);
  const unknown = rows.map(row => row.name).filter(name => !own.has(name));
  if (unknown.length === 0) return rows.length === own.size;
  throw new SchemaTooNew(`the database schema is newer than this binary (it has ${unknown.join(', ')}); start a newer chat-server`);
}
