/**
 * The golden property: a stale snapshot plus the log equals a fresh snapshot. It proves that `apply` and persisting
 * agree, for whatever was done in between. Used by every test that runs commands.
 */
import assert from 'node:assert/strict';
import type { Snapshot } from '../../src/ports/index.ts';
import { createChangeLog } from '../../src/postgres/change-log.ts';
import type { Database } from '../../src/postgres/database.ts';
import { createSnapshots } from '../../src/postgres/snapshots.ts';
import { Replica } from '../../src/sync/replica.ts';

/** Runs `work` and checks that replaying its changes on the snapshot before ends in the snapshot after. */
export async function golden<T>(database: Database, work: () => Promise<T>): Promise<T> {
  const snapshots = createSnapshots(database);
  const log = createChangeLog(database);
  const replica = new Replica();
  replica.load(await snapshots.load());
  const result = await work();
  for (let complete = false; !complete; ) {
    const page = await log.read(replica.revision);
    for (const commit of page.commits) {
      assert.equal(commit.first, replica.revision + 1, 'revisions have no hole');
      replica.apply(commit);
    }
    complete = page.complete;
  }
  assertSame(replica, await snapshots.load());
  return result;
}

/** A replica equals a snapshot, row by row. */
export function assertSame(replica: Replica, snapshot: Snapshot): void {
  assert.equal(replica.revision, snapshot.revision);
  const byId = <R extends { id: number }>(rows: Iterable<R>): R[] => [...rows].sort((a, b) => a.id - b.id);
  assert.deepEqual(byId(replica.chats.values()), byId(snapshot.chats));
  assert.deepEqual(byId(replica.operators.values()), byId(snapshot.operators));
  assert.deepEqual(byId(replica.departments.values()), byId(snapshot.departments));
}
