/** GET /l/o/cluster as docs/protocol/operator.md (section 7) has it. */

export interface NodeStats {
  readonly connections: number;
  readonly wsConnections: number;
  readonly messagesTotal: number;
  readonly restCallsTotal: number;
  readonly cpuPercent: number;
  readonly memoryBytes: number;
}

export interface ClusterNode {
  readonly node: string;
  readonly mode: string;
  readonly role: string;
  readonly state: string;
  readonly reason: string | null;
  readonly host: string;
  readonly pid: number;
  readonly port: number;
  readonly version: string;
  readonly revision: string;
  readonly lag: number;
  readonly seenSecondsAgo: number;
  readonly startedAt: string;
  readonly differs: readonly string[];
  readonly stats: NodeStats | null;
}

export interface Lease {
  readonly holder: string;
  readonly token: number;
  readonly expiresInMs: number;
  readonly reason: string;
  readonly promoted: boolean;
}

/** When revisions began anew. */
export interface OpenedEpoch {
  readonly epoch: number;
  readonly reason: string;
  readonly openedAt: string;
  readonly newestRevision: string;
  readonly knownRevision: string | null;
}

export interface Overview {
  readonly leader: string | null;
  readonly lease: Lease | null;
  readonly revision: string;
  readonly transport: string;
  readonly database: {
    readonly host: string;
    readonly version: string;
    readonly connections: number;
    readonly sizeBytes: number;
    readonly isReplica: boolean;
  };
  readonly broker: { readonly transport: string; readonly connected: boolean; readonly host: string | null };
  readonly nodes: readonly ClusterNode[];
  /** Newest first; a node of an earlier version tells none. */
  readonly epochs?: readonly OpenedEpoch[];
}

/** Can it take the lease and clients? */
export function isReady({ state }: ClusterNode): boolean {
  return state === 'running' || state === 'degraded';
}

/** Whom a hand-over makes master: the one that cluster.json names, if it leads not already for good. */
export function handOverTarget({ lease, nodes }: Overview): ClusterNode | undefined {
  const configured = nodes.find(node => node.mode === 'master' && isReady(node));
  return configured?.node === lease?.holder && lease?.promoted !== true ? undefined : configured;
}
