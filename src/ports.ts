/**
 * Every door out of the pure code, types only. Adapters (postgres/, rabbitmq/, log.ts, metrics.ts) implement these;
 * commands/, sync/, sessions/ and jobs/ use them; node.ts connects the two.
 */
import type { Change, Revision } from './domain/change.ts';
import type { Chat } from './domain/chat.ts';
import type { Department } from './domain/department.ts';
import type { StoredFile } from './domain/file.ts';
import type { Message, Sender } from './domain/message.ts';
import type { Operator } from './domain/operator.ts';
import type { Signal } from './domain/signal.ts';
import type { Survey } from './domain/survey.ts';
import type { Microseconds } from './domain/time.ts';
import type { Page, Visitor } from './domain/visitor.ts';

// ---- the write path -------------------------------------------------------------------------------------------

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

/** Rows that a batch was decided on without locking them, as of `revision`, and the database's time as this node knows it. */
export interface Guess {
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
}

/** stale: decided on rows that have changed · retry: deadlock, lock time-out · refused: this content cannot be stored · fenced: the lease is not ours any more ·
 *  epoch: the timeline changed · exhausted: the server has no disk or memory left · disconnected: certainly not committed · unknown: cut while committing */
export type StoreFailureKind = 'stale' | 'retry' | 'refused' | 'fenced' | 'epoch' | 'exhausted' | 'disconnected' | 'unknown';

export class StoreFailure extends Error {
  override readonly name = 'StoreFailure';
  readonly kind: StoreFailureKind;

  constructor(kind: StoreFailureKind, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.kind = kind;
  }
}

// ---- the read path --------------------------------------------------------------------------------------------

/** One commit as it stands in the change log and travels on the bus. */
export interface LoggedCommit {
  readonly first: Revision;
  readonly last: Revision;
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
  readonly chats: readonly Chat[];
  readonly operators: readonly Operator[];
  readonly departments: readonly Department[];
}

export interface Snapshots {
  load(): Promise<Snapshot>;
}

// ---- what clients ask for and the hot state does not hold -------------------------------------------------------

export interface Messages {
  /** The newest `limit` messages of a chat that are not newer than `upToUs`, oldest first. Calls share statements. */
  listOfChat(wanted: ChatMessagesWanted): Promise<readonly StoredMessage[]>;
  /** A visitor's messages changed after `sinceUs` in the order of their change; without it, the newest ones by time. */
  listHistory(query: HistoryQuery): Promise<HistoryPage>;
  findChat(chatId: number): Promise<Chat | undefined>;
  /** The visitor's newest chat, open or closed. */
  findLastChatId(visitorId: string): Promise<number | undefined>;
  /** The visitor's own view: newest first, at most `limit`. */
  search(query: { readonly visitorId: string; readonly text: string; readonly limit: number }): Promise<readonly StoredMessage[]>;
}

export interface ChatMessagesWanted {
  readonly chatId: number;
  readonly visitorId: string;
  readonly upToUs: Microseconds;
  readonly limit: number;
}

export interface HistoryQuery {
  readonly visitorId: string;
  readonly chatId?: number;
  readonly sinceUs?: Microseconds;
  readonly beforeUs?: Microseconds;
  readonly limit: number;
  /** As operators see it: notes, and what the visitor has cleared, too. */
  readonly includeHidden: boolean;
}

/** `read`: was this visitor's message read by an operator (kept as a mark on its chat, not in each message)? */
export type StoredMessage = Message & { readonly read: boolean };

export interface HistoryPage {
  readonly hasMore: boolean;
  readonly messages: readonly StoredMessage[];
  readonly revisionUs: Microseconds;
}

export interface PageOpening {
  readonly pageId: string;
  readonly visitorId: string;
  /** Gone on with when it is this visitor's; empty for none. */
  readonly oldVisitSessionId: string;
  readonly newVisitSessionId: string;
  readonly location: string;
  readonly title: string;
  readonly platform: string;
  readonly deviceId: string;
  readonly pushService: string;
  readonly pushToken: string | null;
}

export interface PageVisitor {
  readonly visitor: Visitor;
  /** His newest chat was of this visit session: without an open one he is in `idle-after-chat`. */
  readonly chattedBefore: boolean;
  /** Of his newest chat. */
  readonly survey: Survey | null;
}

export interface OpenedPage extends PageVisitor {
  readonly visitSessionId: string;
  /** Older pages of the same device, which must be ended. */
  readonly replacedPageIds: readonly string[];
}

export interface Pages extends PushTargets {
  /** Creates what is missing of visitor, visit session and page. Calls of one moment share one statement. */
  open(opening: PageOpening): Promise<OpenedPage>;
  find(pageId: string): Promise<Page | undefined>;
  /** What a full update of this page needs besides the hot state. */
  findVisitor(page: Page): Promise<PageVisitor | undefined>;
}

export interface PushTarget {
  readonly pageId: string;
  readonly token: string;
  readonly location: string;
}

export interface PushTargets {
  /** The visitor's apps that can be reached by push: his live pages with a token. */
  pushTargets(visitorId: string): Promise<readonly PushTarget[]>;
  setPushToken(pageId: string, pushToken: string | null): Promise<void>;
}

/** What an app is told: an operator's message, file or request for contacts. */
export interface PushNote {
  readonly type: 'P.OM' | 'P.OF' | 'P.CR';
  readonly params: readonly string[];
  readonly location: string;
  readonly unread: number;
}

export interface PushGateway {
  /** gone: the token is good for nothing any more. Rejects when it may be tried again. */
  send(token: string, note: PushNote): Promise<'sent' | 'gone'>;
}

/** Who visitors are by the customer's word. */
export interface Identities {
  /** The visitor with this id of the customer's: `newVisitorId` when there is none yet. */
  visitorOf(providedId: string, newVisitorId: string): Promise<string>;
  /** What the customer's backend has said of a token. */
  findToken(tokenHash: string): Promise<Readonly<Record<string, string>> | undefined>;
  saveToken(tokenHash: string, fields: Readonly<Record<string, string>>): Promise<void>;
}

export interface OperatorLogins {
  findByLogin(login: string): Promise<{ readonly operatorId: number; readonly passwordHash: string } | undefined>;
  createSession(operatorId: number, tokenHash: string, ttlSeconds: number): Promise<void>;
  /** The operator of a live login and how long it still lives; extends it when less than half is left. */
  findSession(tokenHash: string, ttlSeconds: number): Promise<{ readonly operatorId: number; readonly expiresInMs: number } | undefined>;
  setPassword(operatorId: number, passwordHash: string): Promise<void>;
}

// ---- files ----------------------------------------------------------------------------------------------------

export interface FoundFile extends StoredFile {
  readonly chatId: number;
}

export interface Thumbnail {
  readonly contentType: string;
  readonly content: Buffer;
}

export interface FileStore {
  /** Takes the content from a file on this node's disk. A guid that is known stays what it was. */
  save(file: StoredFile, path: string, thumbnail: Thumbnail | undefined): Promise<void>;
  /** undefined when its message is not there, or was deleted. */
  find(guid: string): Promise<FoundFile | undefined>;
  /** Those of these files that this sender has uploaded and not sent yet, or sent under this client id; in the order of `guids`. */
  findUnsent(sender: Sender, clientSideId: string, guids: readonly string[]): Promise<readonly StoredFile[]>;
  /** They are about to be sent together in the message of this client id. */
  attach(sender: Sender, clientSideId: string, guids: readonly string[]): Promise<void>;
  read(guid: string): AsyncIterable<Buffer>;
  readThumbnail(guid: string): Promise<Thumbnail | undefined>;
  /** What no message came of. False: there is no such file, or it was sent. */
  removeUnsent(guid: string): Promise<boolean>;
}

export interface InspectedImage {
  readonly width: number;
  readonly height: number;
  readonly thumbnail: Thumbnail;
}

export interface InspectedFile {
  readonly contentType: string;
  readonly image: InspectedImage | undefined;
}

export interface FileInspector {
  /** Throws ChatError `unsupported` for what is not allowed or not what it says. */
  inspect(path: string, filename: string): Promise<InspectedFile>;
}

// ---- the cluster ----------------------------------------------------------------------------------------------

export interface OutgoingEnvelope extends CommittedRange {
  /** The JSON array of the changes in UTF-8. */
  readonly changesJson: Buffer;
}

/** An envelope of another node; without changes when it was too large, then the log has them. */
export interface IncomingEnvelope extends CommittedRange {
  readonly changes: readonly Change[] | undefined;
  readonly bytes: number;
}

export interface BusHandlers {
  envelope(envelope: IncomingEnvelope): void;
  signal(signal: Signal): void;
  /** The bus may have lost something: read the log. Called on interruption and again when it is back. */
  interrupted(): void;
  resumed(): void;
}

/**
 * Carries hints between nodes: what it carries may be lost, doubled or reordered. Never delivers a node's own
 * envelopes to itself, never throws, keeps nothing for later while interrupted (the log is the backlog).
 */
export interface Bus {
  readonly transport: string;
  readonly connected: boolean;
  /** Why it is not connected, for /status. */
  readonly reason: string | undefined;
  start(handlers: BusHandlers): Promise<void>;
  /** For connections from now on. */
  setPassword(password: string): void;
  publish(envelope: OutgoingEnvelope): void;
  publishSignal(signal: Signal): void;
  stop(): Promise<void>;
}

export interface Heartbeat {
  readonly nowUs: Microseconds;
  readonly revision: Revision;
  /** Of the row under this node's name: another one means that the name was taken over, undefined that the row is gone. */
  readonly incarnation: string | undefined;
  /** An administrator wants this node drained. */
  readonly drain: boolean;
  readonly lease:
    | {
        readonly holder: string;
        readonly token: number;
        readonly mine: boolean;
        readonly expiresInMs: number;
        /** How the holder got it. */
        readonly reason: string;
        /** To whom the holder should pass it on: the promoted node, else the configured master. */
        readonly handTo: { readonly node: string; readonly reason: 'promoted' | 'failback' } | undefined;
      }
    | undefined;
}

export interface NodeRow {
  readonly name: string;
  readonly incarnation: string;
  readonly mode: string;
  readonly host: string;
  readonly pid: number;
  readonly port: number;
  readonly version: string;
  readonly state: string;
  readonly revision: Revision;
  readonly seenSecondsAgo: number;
  readonly fingerprint: Fingerprint;
}

/** A hash for each setting that all nodes should agree on. */
export type Fingerprint = Readonly<Record<string, string>>;

export interface Registry {
  /** Takes the node's name. NodeNameHeld when a living node has it, ConfigDrift when a living node's critical settings differ. */
  register(): Promise<void>;
  /** The one statement of each second: writes the heartbeat, renews or takes the lease, returns what the node must know. */
  beat(report: { readonly state: string; readonly revision: Revision; readonly claims: boolean }): Promise<Heartbeat>;
  /** Passes the lease on, `to` null: to whoever is ready. The new holder, '' when it is free now, undefined when nothing was done. */
  handLease(to: string | null, reason: string): Promise<string | undefined>;
  listNodes(): Promise<readonly NodeRow[]>;
  /** The configuration was read again. */
  reconfigure(changed: {
    readonly fingerprint: Fingerprint;
    readonly failover: 'automatic' | 'manual';
    /** The master that cluster.json names. */
    readonly configuredMaster: string;
  }): Promise<void>;
  /** Lets go of name and lease. */
  unregister(): Promise<void>;
}

// ---- the rest -------------------------------------------------------------------------------------------------

/** A monotonic clock for time-outs on this node; never compared with another node's. */
export interface Clock {
  nowMs(): number;
}

export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  error(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  debug(event: string, fields?: LogFields): void;
  child(fields: LogFields): Log;
}

export interface Counter {
  inc(by?: number): void;
}

/** One counter for each value of a label; values are few and known. */
export interface LabelledCounter {
  inc(value: string, by?: number): void;
}

export interface Gauge {
  set(value: number): void;
}

export interface Histogram {
  observe(value: number): void;
}

/** Names are Prometheus names without the prefix `chat_`; each is created once and documented by `help`. */
export interface Metrics {
  counter(name: string, help: string): Counter;
  labelled(name: string, help: string, label: string): LabelledCounter;
  gauge(name: string, help: string, read?: () => number): Gauge;
  histogram(name: string, help: string, buckets: readonly number[]): Histogram;
}
