/** What the database itself says about the installation, read once at start and again when the timeline changed. */
import type { EpochReason, KnownCommit } from '../ports/index.ts';
import type { Database } from './database.ts';

export interface Installation {
  readonly id: string;
  /** Key of page tokens. Never logged, never sent. */
  readonly secret: string;
  /** Of which cluster of PostgreSQL, and of which database of it. */
  readonly origin: string;
}

export async function readInstallation(database: Database): Promise<Installation> {
  const rows = await database.query<{ id: string; secret: string; origin: string }>(
    'select id, secret, database_origin() as origin from installation',
  );
  const row = rows[0];
  if (row === undefined) throw new Error('the table installation is empty');
  return row;
}

/**
 * Opens a new epoch if the database has another timeline, is another one, or has not got the commit that is known (any more). Returns why;
 * undefined: it goes on as it was.
 */
export async function openEpoch(database: Database, known?: KnownCommit): Promise<EpochReason | undefined> {
  const rows = await database.query<{ reason: EpochReason | null }>('select open_epoch($1, $2, null) as reason', [
    known?.revision ?? null,
    known?.batchId ?? null,
  ]);
  return rows[0]?.reason ?? undefined;
}
