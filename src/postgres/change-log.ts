/** Reads the change log in pages: one row is one commit, as it travelled on the bus. */
import type { Change, Revision } from '../domain/change.ts';
import type { ChangeLog, LoggedCommit } from '../ports/index.ts';
import type { Database } from './database.ts';

const PAGE_ROWS = 200;

export function createChangeLog(database: Database): ChangeLog {
  return {
    async read(after: Revision) {
      const rows = await database.query<LogRow>(
        `select first_revision as first, last_revision as last, batch_id as "batchId", changes from change_log where last_revision > $1 order by last_revision limit ${PAGE_ROWS}`,
        [after],
      );
      return { commits: rows.map(toCommit), complete: rows.length < PAGE_ROWS };
    },
  };
}

interface LogRow {
  readonly first: Revision;
  readonly last: Revision;
  readonly batchId: string;
  readonly changes: string;
}

function toCommit({ changes, ...row }: LogRow): LoggedCommit {
  return { ...row, changes: JSON.parse(changes) as Change[], bytes: changes.length };
}
