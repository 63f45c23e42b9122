/** The write path: what a commit locks, writes and may fail with. */
import type { Revision } from '../domain/change.ts';
import type { Chat } from '../domain/chat.ts';
import type { HistoryRow } from '../domain/chat-history.ts';
import type { Department } from '../domain/department.ts';
import type { Message, Sender } from '../domain/message.ts';
import type { Operator, StatusTime } from '../domain/operator.ts';
import type { Microseconds } from '../domain/time.ts';
import type { Visitor } from '../domain/visitor.ts';

/** The rows a batch locks. Locked in this order of tables, by id within a table. */
export interface Keys {
  readonly visitors: ReadonlySet<string>;
  /** Chats by id, and the open chat of each of these visitors, whatever its id is. */
  readonly chats: ReadonlySet<number>;
  readonly openChatsOf: ReadonlySet<string>;
  readonly operators: ReadonlySet<number>;
  readonly departments: ReadonlySet<string>;
  /** Messages that may have been stored already, by `sentKey`. */
  readonly sentMessages: ReadonlyMap<string, MessageKey>;
  /** Messages by their ids, and whose they are. */
  readonly messages: ReadonlyMap<string, { readonly visitorId: string }>;
  /** Chats whose unread visitor messages are wanted (ids only). */
  readonly unreadOf: ReadonlySet<number>;
  /** Operators of whom is wanted, behind the lock of their row, when they were connected last. */
  readonly presenceOf: ReadonlySet<number>;
  /** How many new chat and operator ids the batch may use up. */
  readonly newChats: number;
  readonly newOperators: number;
}

export interface MessageKey {
  readonly sender: Sender;
  readonly clientSideId: string;
}

/** What `begin` found under its locks. The maps belong to the caller. */
export interface LockedRows {
  readonly nowUs: Microseconds;
  readonly visitors: Map<string, Visitor>;
  readonly chats: Map<number, Chat>;
  readonly operators: Map<number, Operator>;
  readonly departments: Map<string, Department>;
  /** By `sentKey(sender, clientSideId)`. */
  readonly sentMessages: Map<string, Message>;
  /** By id. */
  readonly messages: Map<string, Message>;
  readonly unread: Map<number, readonly string[]>;
  /** Of those who are not connected to a living node: since when; 0: they never were. */
  readonly presence: Map<number, Microseconds>;
  readonly newChatIds: number[];
  readonly newOperatorIds: number[];
  /** Set when the batch of this id was committed before (its outcome was unknown): nothing needs to be written. */
  readonly committed: CommittedRange | undefined;
}

/** Final rows of one table: each touched row once. */
export interface Written<R> {
  readonly created: readonly R[];
  readonly changed: readonly { readonly before: R; readonly after: R }[];
}

/** The final rows of a batch and its changes, one JSON array. */
export interface BatchWrite {
  readonly visitors: Written<Visitor>;
  readonly chats: Written<Chat>;
  readonly operators: Written<Operator>;
  readonly departments: Written<Department>;
  readonly messages: Written<Message>;
  readonly history: readonly HistoryRow[];
  readonly statusTimes: readonly StatusTime[];
  readonly endedPageIds: readonly string[];
  readonly endedOperatorSessions: readonly { readonly operatorId: number; readonly tokenHash: string | null }[];
  readonly changeCount: number;
  /** UTF-8. */
  readonly changesJson: Buffer;
  /** The fencing token of the lease, for the master's commands. */
  readonly leaseToken: number | undefined;
}

export interface CommittedRange {
  readonly first: Revision;
  readonly last: Revision;
}

/** The newest commit that a node was told of: a database that does not have it was set back. */
export interface KnownCommit {
  readonly revision: Revision;
  /** undefined: told by a node of an earlier version, or the beginning of an epoch. */
  readonly batchId: string | undefined;
}

/** Rows that a batch was decided on without locking them, as of `revision`, and the database's time as this node knows it. */
export interface Guess {
  /** Who have never had a chat. */
  readonly visitors: readonly Pick<Visitor, 'id' | 'fields' | 'verified'>[];
  readonly nowUs: Microseconds;
  readonly revision: Revision;
  readonly chats: readonly { readonly id: number; readonly version: number }[];
  readonly operators: readonly { readonly id: number; readonly version: number }[];
}

/**
 * One writer's transaction on a connection of its own. `begin` locks and reads, `commit` writes and appends to the
 * log; after either fails nothing is committed, but for StoreFailure `unknown`.
 */
export interface Store {
  /** The whole batch in one round trip: locks what it was decided on, writes if all of it is still so. StoreFailure `stale` if not;
   *  behind any failure all guesses fail until `rollback`. Those sent before it is answered are done in order. */
  commitGuess(batchId: string, guess: Guess, write: BatchWrite): Promise<CommittedRange>;
  begin(batchId: string, keys: Keys, isRetry: boolean): Promise<LockedRows>;
  commit(batchId: string, write: BatchWrite): Promise<CommittedRange>;
  rollback(): Promise<void>;
  /** Ids for new chats, given out for good: what is not used leaves a gap. */
  reserveChatIds(count: number): Promise<number[]>;
}

/** stale: decided on rows that have changed · retry: deadlock, lock time-out · refused: this content cannot be stored · fenced: the lease is not ours any more ·
 *  epoch: the timeline changed, or the database was set back · exhausted: the server has no disk or memory left · disconnected: certainly not committed · unknown: cut while committing */
export type StoreFailureKind = 'stale' | 'retry' | 'refused' | 'fenced' | 'epoch' | 'exhausted' | 'disconnected' | 'unknown';

export class StoreFailure extends Error {
  override readonly name = 'StoreFailure';
  readonly kind: StoreFailureKind;

  constructor(kind: StoreFailureKind, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.kind = kind;
  }
}
