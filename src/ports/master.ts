/** For the master's jobs: who is connected where, and what is deleted when. */
import type { Microseconds } from '../domain/time.ts';

export interface PresenceStore {
  /** Who is connected to this node now, and who is not any more. */
  tell(came: readonly number[], gone: readonly { readonly operatorId: number; readonly agoMs: number }[]): Promise<void>;
}

/** An operator who is not offline and connected nowhere, or offline and has chats. */
export interface GoneOperator {
  readonly operatorId: number;
  /** At least since then. */
  readonly sinceUs: Microseconds;
}

/** For the master. */
export interface LostOperators {
  /** What dead nodes have said of their clients is over, as of now. */
  closeDeadNodes(): Promise<void>;
  listGone(): Promise<readonly GoneOperator[]>;
}

export interface RetentionStore {
  readonly kinds: readonly string[];
  /** Deletes the oldest rows of a kind; not complete: there are more. StoreFailure `fenced` when the lease is not held. */
  deleteSome(kind: string, leaseToken: number): Promise<{ readonly deleted: number; readonly complete: boolean }>;
}

/** What was said in chats that have ended, behind an index. Filled by the master. */
export interface SearchIndex {
  /** Makes the index. A sentence: why there is none. */
  prepare(): Promise<string | undefined>;
  /** Reads the next chats; not complete: there are more. StoreFailure `fenced` when the lease is not held. */
  readSome(leaseToken: number): Promise<{ readonly chats: number; readonly complete: boolean }>;
  /** `reading`: there is one, and chats from before it are still being read. */
  state(): Promise<'indexed' | 'reading' | 'not-indexed'>;
}
