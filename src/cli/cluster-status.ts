/** `cluster status`: nodes, roles, lease, revision, lag, as the database knows them. */
import type { Config } from '../config/config.ts';
import type { NodeRole } from '../domain/cluster.ts';
import { createClusterControl } from '../postgres/cluster-control.ts';
import { openDatabase } from './open-database.ts';

export interface ClusterStatus {
  readonly revision: string;
  readonly lease: {
    readonly holder: string;
    readonly token: number;
    readonly expiresInSeconds: number;
    /** How the holder got it. */
    readonly reason: string;
    readonly promoted: boolean;
  } | null;
  readonly nodes: readonly {
    readonly node: string;
    readonly mode: string;
    readonly role: NodeRole;
    readonly state: string;
    readonly host: string;
    readonly pid: number;
    readonly port: number;
    readonly version: string;
    readonly revision: string;
    readonly lag: number;
    readonly seenSecondsAgo: number;
  }[];
}

export async function clusterStatus(config: Config): Promise<ClusterStatus> {
  const opened = await openDatabase(config);
  try {
    const { revision, lease, nodes } = await createClusterControl(opened.database).look();
    return {
      revision: String(revision),
      lease:
        lease === undefined
          ? null
          : {
              holder: lease.holder,
              token: lease.token,
              expiresInSeconds: Math.round(lease.expiresInMs / 100) / 10,
              reason: lease.reason,
              promoted: lease.promoted,
            },
      nodes: nodes.map(node => ({
        node: node.name,
        mode: node.mode,
        role: node.role,
        state: node.state,
        host: node.host,
        pid: node.pid,
        port: node.port,
        version: node.version,
        revision: String(node.revision),
        lag: node.lag,
        seenSecondsAgo: node.seenSecondsAgo,
      })),
    };
  } finally {
    await opened.close();
  }
}
