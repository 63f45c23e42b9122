/** What is counted against guesses of passwords, for all nodes, by the database's clock. Keys are hashes already. */
import type { LoginAttempts } from '../ports.ts';
import type { Database } from './database.ts';
import { Gather } from './gather.ts';

/** Also in retention.ts. */
const PLACE_DAYS = 30;

export function createLoginAttempts(database: Database): LoginAttempts {
  const known = new Gather<string, boolean>(keys => findKnown(database, keys));
  return {
    async reserve(buckets) {
      const rows = await database.query<{ wait: number }>(
        'select reserve_login($1, $2, $3) as wait',
        [buckets.map(({ key }) => key), buckets.map(({ bound }) => bound), buckets.map(({ everySeconds }) => everySeconds)],
        'reserve-login',
      );
      return rows[0]?.wait ?? 0;
    },
    async giveBack(buckets, emptied) {
      await database.query(
        `with emptied as (delete from login_attempt where key = $3)
         update login_attempt a set free_at = a.free_at - w.step * interval '1 second'
         from unnest($1::text[], $2::double precision[]) w(key, step) where a.key = w.key and a.key <> $3`,
        [buckets.map(({ key }) => key), buckets.map(({ everySeconds }) => everySeconds), emptied],
      );
    },
    isKnown: key => known.load(key),
    async remember(key) {
      await database.query(
        `insert into login_place (key) values ($1)
         on conflict (key) do update set seen_at = clock_timestamp() where login_place.seen_at < clock_timestamp() - interval '1 day'`,
        [key],
      );
    },
  };
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
