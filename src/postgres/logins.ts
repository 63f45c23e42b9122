/** Operators' passwords (scrypt hashes) and login sessions (SHA-256 of the token): never a secret in clear. */
import type { OperatorLogins } from '../ports/index.ts';
import type { Database } from './database.ts';
import { Gather } from './gather.ts';

interface FoundSession {
  readonly operatorId: number;
  readonly expiresInMs: number;
}

export function createLogins(database: Database): OperatorLogins {
  const find = new Gather<string, FoundSession | undefined>(hashes => findSessions(database, hashes));
  return {
    async findByLogin(login) {
      const rows = await database.query<{ operatorId: number; passwordHash: string; isExact: boolean }>(
        `select id as "operatorId", password_hash as "passwordHash", login = $1 as "isExact" from operator
         where lower(login collate "C") = lower($1 collate "C") order by 3 desc limit 2`,
        [login],
      );
      const [first, second] = rows;
      return first?.isExact === true || second === undefined ? first : undefined;
    },

    async createSession({ operatorId, passwordHash }, tokenHash, ttlSeconds) {
      // For share: who changes the password waits, and then sees this login among those to end; or this one sees the change.
      const rows = await database.query(
        `insert into operator_session (token_hash, operator_id, expires_at)
         select $1, id, clock_timestamp() + $3 * interval '1 second' from operator where id = $2 and password_hash = $4 for share
         returning operator_id`,
        [tokenHash, operatorId, ttlSeconds, passwordHash],
      );
      return rows.length > 0;
    },

    async findSession(tokenHash, ttlSeconds) {
      const session = await find.load(tokenHash);
      if (session === undefined || session.expiresInMs > ttlSeconds * 500) return session;
      await database.query(`update operator_session set expires_at = clock_timestamp() + $2 * interval '1 second' where token_hash = $1`, [
        tokenHash,
        ttlSeconds,
      ]);
      return { ...session, expiresInMs: ttlSeconds * 1000 };
    },

    async sessionsOf(operatorId) {
      const rows = await database.query<{ tokenHash: string }>(
        'select token_hash as "tokenHash" from operator_session where operator_id = $1',
        [operatorId],
      );
      return rows.map(row => row.tokenHash);
    },

    async setPassword(operatorId, passwordHash) {
      await database.query('update operator set password_hash = $2 where id = $1', [operatorId, passwordHash]);
    },

    async replacePassword(operatorId, before, after) {
      const rows = await database.query('update operator set password_hash = $3 where id = $1 and password_hash = $2 returning id', [
        operatorId,
        before,
        after,
      ]);
      return rows.length > 0;
    },
  };
}

async function findSessions(database: Database, hashes: readonly string[]): Promise<(FoundSession | undefined)[]> {
  const rows = await database.query<FoundSession & { tokenHash: string }>(
    `select token_hash as "tokenHash", operator_id as "operatorId",
       (extract(epoch from expires_at - clock_timestamp()) * 1000)::bigint as "expiresInMs"
     from operator_session where token_hash = any($1::text[]) and expires_at > clock_timestamp()`,
    [[...new Set(hashes)]],
    'find-sessions',
  );
  const byHash = new Map(rows.map(({ tokenHash, ...session }) => [tokenHash, session]));
  return hashes.map(hash => byHash.get(hash));
}
