/** A transaction that the master alone may commit: the row of the lease is held in it, so that a former master writes nothing. */
import type pg from 'pg';
import { StoreFailure } from '../ports/index.ts';
import type { Database } from './database.ts';
import { BEGIN } from './session.ts';

/** Throws StoreFailure `fenced` when the lease is not held with this token. */
export async function underLease<T>(database: Database, leaseToken: number, work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
  return database.transaction(BEGIN, async client => {
    const lease = await client.query('select from lease where token = $1 and expires_at > clock_timestamp() for share', [leaseToken]);
    if (lease.rowCount === 0) throw new StoreFailure('fenced', new Error('the lease is not held'));
    return work(client);
  });
}
