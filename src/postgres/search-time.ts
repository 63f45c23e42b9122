/** A statement that looks through texts, and is given up by the server itself when it takes too long. */
import type pg from 'pg';
import { ChatError } from '../domain/error.ts';
import type { Database } from './database.ts';
import { sqlState } from './failures.ts';
import { BEGIN_READ_ONLY } from './session.ts';

/** SQLSTATE of a statement that was given up. */
const TOOK_TOO_LONG = '57014';

/** Throws ChatError `unavailable`. */
export async function searchWithin<R extends pg.QueryResultRow>(
  database: Database,
  maxMs: number,
  text: string,
  values: readonly unknown[],
): Promise<R[]> {
  try {
    return await database.transaction(BEGIN_READ_ONLY, async client => {
      await client.query(`set local statement_timeout = ${maxMs}`);
      return (await client.query<R>(text, [...values])).rows;
    });
  } catch (error) {
    if (sqlState(error) !== TOOK_TOO_LONG) throw error;
    throw new ChatError('unavailable', 'server-not-ready', 'the search takes too long: narrow it', { cause: error });
  }
}

/** What was typed, as a part of a pattern of `like`. */
export function likePattern(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&');
}
