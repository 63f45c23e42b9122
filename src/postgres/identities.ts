/** Customers' own ids of their visitors, and the tokens that their backends have vouched for. */
import type { Identities } from '../ports/index.ts';
import type { Database } from './database.ts';

export function createIdentities(database: Database): Identities {
  const find = async (providedId: string): Promise<string | undefined> => {
    const rows = await database.query<{ visitorId: string }>(
      'select visitor_id as "visitorId" from provided_visitor where provided_id = $1',
      [providedId],
      'find-provided-visitor',
    );
    return rows[0]?.visitorId;
  };
  return {
    async visitorOf(providedId, newVisitorId) {
      const known = await find(providedId);
      if (known !== undefined) return known;
      // Two devices may come at once: the first one's is everybody's.
      await database.query('insert into provided_visitor (provided_id, visitor_id) values ($1, $2) on conflict do nothing', [
        providedId,
        newVisitorId,
      ]);
      return (await find(providedId)) ?? newVisitorId;
    },
    async findToken(tokenHash) {
      const rows = await database.query<{ fields: Record<string, string> }>('select fields from provided_token where token_hash = $1', [
        tokenHash,
      ]);
      return rows[0]?.fields;
    },
    async saveToken(tokenHash, fields) {
      await database.query(
        `insert into provided_token (token_hash, fields) values ($1, $2)
         on conflict (token_hash) do update set fields = excluded.fields, provided_at = clock_timestamp()`,
        [tokenHash, JSON.stringify(fields)],
      );
    },
  };
}
