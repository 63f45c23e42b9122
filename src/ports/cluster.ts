/** The cluster: the bus, the registry of nodes, the heartbeat and the lease. */
import type { Change, Revision } from '../domain/change.ts';
import type { NodeRole } from '../domain/cluster.ts';
import type { Signal } from '../domain/signal.ts';
import type { Microseconds } from '../domain/time.ts';
import type { CommittedRange, KnownCommit } from './store.ts';

export interface OutgoingEnvelope extends CommittedRange {
  readonly batchId: string;
  /** The JSON array of the changes in UTF-8. */
  readonly changesJson: Buffer;
}

/** An envelope of another node; without changes when it was too large, then the log has them. */
export interface IncomingEnvelope extends CommittedRange {
  /** undefined: not told. */
  readonly batchId: string | undefined;
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
  /** Why this beat has opened a new epoch; undefined: it has not. */
  readonly epochReason: EpochReason | undefined;
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

/**
 * timeline: a standby was promoted, or a backup restored up to a moment · other-database: a dump was loaded elsewhere · set-back: commits that a
 * node knows are gone · by-hand: an administrator wished it
 */
export type EpochReason = 'timeline' | 'other-database' | 'set-back' | 'by-hand';

/** When revisions began anew. */
export interface OpenedEpoch {
  readonly epoch: number;
  readonly reason: EpochReason;
  readonly openedAt: Date;
  /** The newest one that the database had left. */
  readonly newestRevision: Revision;
  /** The newest one that the node which noticed it knew; null: it knew none. */
  readonly knownRevision: Revision | null;
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
  readonly startedAt: Date;
  readonly seenSecondsAgo: number;
  readonly fingerprint: Fingerprint;
  /** Those of its last heartbeat; undefined of a node of an earlier build. */
  readonly stats: (NodeStats & { readonly lag: number }) | undefined;
}

/** What a node says of itself with each heartbeat. Totals count from its start. */
export interface NodeStats {
  readonly connections: number;
  readonly wsConnections: number;
  readonly messagesTotal: number;
  readonly restCallsTotal: number;
  /** Of one core. */
  readonly cpuPercent: number;
  readonly memoryBytes: number;
  /** Why it is degraded; empty: it is not. */
  readonly reason: string;
}

/** A hash for each setting that all nodes should agree on. */
export type Fingerprint = Readonly<Record<string, string>>;

/** Another living process has this node's name. Exit code 75: a service manager tries again. */
export class NodeNameHeld extends Error {
  override readonly name = 'NodeNameHeld';
}

export interface Registry {
  /** Takes the node's name. NodeNameHeld when a living node has it, ConfigDrift when a living node's critical settings differ. */
  register(): Promise<void>;
  /** The one statement of each second: writes the heartbeat, renews or takes the lease, returns what the node must know. */
  beat(report: {
    readonly state: string;
    readonly revision: Revision;
    readonly known: KnownCommit;
    readonly claims: boolean;
    readonly stats: NodeStats;
  }): Promise<Heartbeat>;
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

/** The cluster as the database knows it. */
export interface ClusterOverview {
  /** The newest one. */
  readonly revision: Revision;
  /** undefined: nobody leads. */
  readonly lease:
    | {
        readonly holder: string;
        readonly token: number;
        readonly expiresInMs: number;
        /** How the holder got it. */
        readonly reason: string;
        /** An administrator has promoted the holder: it keeps the lease until a hand-over. */
        readonly promoted: boolean;
      }
    | undefined;
  readonly nodes: readonly NodeOverview[];
  /** Newest first, at most ten; none: it is the first one still. */
  readonly epochs: readonly OpenedEpoch[];
}

export interface NodeOverview extends Omit<NodeRow, 'fingerprint' | 'incarnation' | 'stats'> {
  readonly role: NodeRole;
  /** Could it take the lease and clients? */
  readonly ready: boolean;
  /** Behind the newest revision: of a living node as it said with its last heartbeat, of another one as of now. */
  readonly lag: number;
  /** Settings that are not those of the leader. */
  readonly differs: readonly string[];
  readonly stats: NodeStats | undefined;
}

export interface DatabaseFacts {
  readonly version: string;
  readonly connections: number;
  readonly sizeBytes: number;
  readonly isReplica: boolean;
}

/**
 * An administrator's view of the cluster and his wishes. A wish is written into the database; the nodes read it with
 * their next heartbeat and do the rest. Errors: `node-not-found`, `node-not-ready`.
 */
export interface ClusterControl {
  look(): Promise<ClusterOverview>;
  database(): Promise<DatabaseFacts>;
  /** The node is to lead and to keep the lease until `handOver`, whoever the configured master is. */
  promote(nodeName: string): Promise<void>;
  /** Ends a promotion: the lease goes back to the configured master, whose name is returned. */
  handOver(): Promise<string>;
  /** Begins a new epoch whatever the database looks like: after it was set back without anybody to notice it. Returns its number. */
  newEpoch(): Promise<number>;
  /** The node is to hand over what it leads, to send its clients to the others and to take no more, until it is stopped or taken back. */
  drain(nodeName: string, drained: boolean): Promise<void>;
}
