/** What the database itself says about the installation, read once at start and again when the timeline changed. */
import type { Database } from './database.ts';

export interface Installation {
  readonly id: string;
  /** Key of page tokens. Never logged, never sent. */
  readonly secret: string;
}

export async function readInstallation(database: Database): Promise<Installation> {
  const rows = await database.query<{ id: string; secret: string }>('select id, secret from installation');
  const row = rows[0];
  if (row === undefined) throw new Error('the table installation is empty');
  return row;
}

/** Opens a new epoch if the database has another timeline (a fail-over or a restored copy). */
export async function openEpoch(database: Database): Promise<void> {
  await database.query('select open_epoch()');
}
