/** The read path: the change log and the snapshots that replicas are fed from. */
import type { Change, Revision } from '../domain/change.ts';
import type { Chat } from '../domain/chat.ts';
import type { Department } from '../domain/department.ts';
import type { Operator } from '../domain/operator.ts';

/** One commit as it stands in the change log and travels on the bus. */
export interface LoggedCommit {
  readonly first: Revision;
  readonly last: Revision;
  /** By which its row in the log is known; undefined when a node of an earlier version has sent it. */
  readonly batchId: string | undefined;
  readonly changes: readonly Change[];
  /** Length of the changes as JSON: what the ring accounts for them. */
  readonly bytes: number;
}

export interface ChangeLog {
  /** Commits behind `after`, oldest first, at most ~4 MiB; `complete` when there are no more. */
  read(after: Revision): Promise<{ readonly commits: readonly LoggedCommit[]; readonly complete: boolean }>;
}

/** The hot state at one revision, read in one transaction. */
export interface Snapshot {
  readonly revision: Revision;
  /** Of the commit of that revision; undefined: its epoch has none yet. */
  readonly batchId: string | undefined;
  readonly chats: readonly Chat[];
  readonly operators: readonly Operator[];
  readonly departments: readonly Department[];
}

export interface Snapshots {
  load(): Promise<Snapshot>;
}
