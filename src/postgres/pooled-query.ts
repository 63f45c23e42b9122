/**
 * A query through a pooler in transaction mode. What the session before has set there is not known, so each query goes in a transaction of
 * its own with our settings in front of it, in one message. Database uses it; a client that is in a transaction already must not.
 */
import type pg from 'pg';
import { listLiteral } from './array-literal.ts';
import { roundTrip, type Statement } from './round-trip.ts';
import { BEGIN, SET_FOR_TRANSACTION } from './session.ts';

export async function queryWithSettings<R extends pg.QueryResultRow>(
  client: pg.ClientBase,
  text: string,
  values: readonly unknown[],
  parserOf: (typeOid: number) => (text: string) => unknown,
): Promise<R[]> {
  try {
    const quiet = (statement: string): Statement => ({ name: '', text: statement, values: [], returnsRows: false });
    const asked = { name: '', text, values: values.map(valueOf), returnsRows: true };
    const statements = [quiet(BEGIN), quiet(SET_FOR_TRANSACTION), asked, quiet('commit')];
    const results = await roundTrip(client, { statements, prepared: new Set(), parserOf });
    return (results[2] ?? []) as R[];
  } catch (error) {
    await client.query('rollback').catch(() => undefined); // lost or not, the caller hears of what failed first
    throw error;
  }
}

/** As node-pg writes what our queries are given. */
function valueOf(value: unknown): string | Buffer | null {
  if (value === null || value === undefined) return null;
  if (Buffer.isBuffer(value)) return value;
  if (Array.isArray(value)) return listLiteral(value as (string | number | boolean | null | undefined)[]);
  return typeof value === 'string' ? value : JSON.stringify(value);
}
