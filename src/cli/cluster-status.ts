/** `cluster status`: nodes, roles, lease, revision, lag, as the database knows them. */
import type { Config } from '../config/config.ts';
import { listNodes } from '../postgres/registry.ts';
import { openDatabase } from './open-database.ts';

const DEAD_AFTER_SECONDS = 5;

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
    readonly role: string;
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
  const { database } = opened;
  try {
    const [rows, leases] = await Promise.all([
      listNodes(database),
      database.query<{ holder: string; token: number; seconds: number; revision: number; reason: string; promoted: boolean }>(
        `select holder, token, reason, promoted = holder as promoted, extract(epoch from expires_at - clock_timestamp())::float8 as seconds, newest_revision() as revision from lease`,
      ),
    ]);
    const lease = leases[0];
    const held = lease !== undefined && lease.seconds > 0 ? lease : undefined;
    const newest = lease?.revision ?? 0;
    return {
      revision: String(newest),
      lease:
        held === undefined
          ? null
          : {
              holder: held.holder,
              token: held.token,
              expiresInSeconds: Math.round(held.seconds * 10) / 10,
              reason: held.reason,
              promoted: held.promoted,
            },
      nodes: rows.map(({ name, mode, host, pid, port, version, state, revision, seenSecondsAgo }) => ({
        node: name,
        mode,
        role: name === held?.holder ? (mode === 'single' ? 'single' : 'master') : mode === 'master' ? 'standby' : mode,
        state: seenSecondsAgo > DEAD_AFTER_SECONDS ? 'dead' : state,
        host,
        pid,
        port,
        version,
        revision: String(revision),
        lag: Math.max(0, newest - revision),
        seenSecondsAgo,
      })),
    };
  } finally {
    await opened.close();
  }
}
