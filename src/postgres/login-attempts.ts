/** What is counted against guesses of passwords, for all nodes, by the database's clock. Keys are hashes already. */
import { ChatError } from '../domain/error.ts';
import type { LoginAttempts } from '../ports/index.ts';
import type { Database } from './database.ts';
import { sqlState } from './failures.ts';
import { Gather } from './gather.ts';

/** Also in retention.ts. */
const PLACE_DAYS = 30;
const DEADLOCK = '40P01';
const DEADLOCKS = 3;

export function createLoginAttempts(database: Database): LoginAttempts {
  const known = new Gather<string, boolean>(keys => findKnown(database, keys));
  return {
    async reserve(buckets) {
      const rows = await unlessDeadlocked(() =>
        database.query<{ wait: number }>(
          'select reserve_login($1, $2, $3) as wait',
          [buckets.map(({ key }) => key), buckets.map(({ bound }) => bound), buckets.map(({ everySeconds }) => everySeconds)],
          'reserve-login',
        ),
      );
      return rows[0]?.wait ?? 0;
    },
    async giveBack(buckets, emptied) {
      await unlessDeadlocked(() =>
        database.query('select give_back_login($1, $2, $3)', [
          buckets.map(({ key }) => key),
          buckets.map(({ everySeconds }) => everySeconds),
          emptied,
        ]),
      );
    },
    isKnown: key => known.load(key),
    async remember(key, account) {
      await unlessDeadlocked(() => database.query('select remember_login($1, $2)', [key, account]));
    },
  };
}

/** Retention deletes rows of these tables too, in an order of its own. Throws ChatError `unavailable` when it does not end. */
async function unlessDeadlocked<T>(work: () => Promise<T>): Promise<T> {
  for (let left = DEADLOCKS; ; left--) {
    try {
      return await work();
    } catch (error) {
      if (sqlState(error) !== DEADLOCK) throw error;
      if (left === 0) throw new ChatError('unavailable', 'server-not-ready', 'too much is written at once', { cause: error });
    }
  }
}

async function findKnown(database: Database, keys: readonly string[]): Promise<boolean[]> {
  const rows = await database.query<{ key: string }>(
    `select key from login_place where key = any($1::text[]) and seen_at > clock_timestamp() - interval '${PLACE_DAYS} days'`,
    [[...new Set(keys)]],
    'login-places',
  );
  const found = new Set(rows.map(({ key }) => key));
  return keys.map(key => found.has(key));
}
