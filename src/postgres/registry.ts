/**
 * The node registry, the heartbeat and the lease, on a connection of its own so that no slow query can make this node
 * look dead. A name belongs to one incarnation (one run of a process): a second node of the name is refused while the
 * holder lives, and so is a node whose critical settings are not those of the living ones.
 */
import os from 'node:os';
import type pg from 'pg';
import type { Fingerprint, Heartbeat, NodeRow, Registry } from '../ports.ts';
import type { Database } from './database.ts';

/** A holder whose row is older than this is dead. The same in is_alive() of the schema. */
const DEAD_AFTER_SECONDS = 3;
/** All registrations of the installation, one at a time. */
const LOCK = 'select pg_advisory_xact_lock(74617, 3)';

/** What a reload may change. */
export interface ClusterIdentity {
  readonly fingerprint: Fingerprint;
  readonly failover: 'automatic' | 'manual';
  /** The master that cluster.json names. */
  readonly configuredMaster: string;
}

export interface NodeIdentity extends ClusterIdentity {
  readonly name: string;
  readonly incarnation: string;
  readonly mode: string;
  readonly port: number;
  readonly version: string;
  /** The settings that must not differ. */
  readonly criticalKeys: readonly string[];
  readonly leaseSeconds: number;
}

/** Another living process has this node's name. Exit code 75: a service manager tries again. */
export class NodeNameHeld extends Error {
  override readonly name = 'NodeNameHeld';
}

/** A living node was started with other critical settings. Exit code 78. Names keys, never values. */
export class ConfigDrift extends Error {
  override readonly name = 'ConfigDrift';
}

interface BeatRow {
  readonly now_us: number;
  readonly revision: number;
  readonly incarnation: string | null;
  readonly drain: boolean;
  readonly lease_holder: string;
  readonly lease_token: number;
  readonly lease_mine: boolean;
  readonly lease_expires_in_ms: number;
  readonly lease_reason: string;
  readonly hand_to: string | null;
  readonly hand_reason: 'promoted' | 'failback';
}

export function createRegistry(database: Database, identity: NodeIdentity): Registry & { close(): Promise<void> } {
  const { name, incarnation, mode, port, version, leaseSeconds } = identity;
  let { fingerprint, failover, configuredMaster } = identity;
  let connection: pg.Client | undefined;

  async function query<R extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<R[]> {
    connection ??= await database.connect();
    try {
      return (await connection.query<R>(text, values)).rows;
    } catch (error) {
      connection.connection.stream.destroy();
      connection = undefined;
      throw error;
    }
  }

  async function takeName(): Promise<void> {
    const host = os.hostname();
    const [holder] = await query<{ incarnation: string; host: string; pid: number; startedAt: Date; seconds: number }>(
      `select incarnation, host, pid, started_at as "startedAt", extract(epoch from clock_timestamp() - heartbeat_at)::float8 as seconds
       from node where name = $1`,
      [name],
    );
    const isDead =
      holder === undefined ||
      holder.incarnation === incarnation ||
      holder.seconds > DEAD_AFTER_SECONDS ||
      (holder.host === host && !isAlive(holder.pid));
    if (!isDead) {
      throw new NodeNameHeld(
        `node name '${name}' is held by pid ${holder.pid} on ${holder.host} (running since ${holder.startedAt.toISOString()}); stop that node or start this one with another --node_name`,
      );
    }
    await query(
      `insert into node (name, incarnation, mode, host, pid, port, version, fingerprint, state, revision)
       values ($1, $2, $3, $4, $5, $6, $7, $8, 'starting', 0)
       on conflict (name) do update set incarnation = excluded.incarnation, mode = excluded.mode, host = excluded.host, pid = excluded.pid,
         port = excluded.port, version = excluded.version, fingerprint = excluded.fingerprint, state = excluded.state, ready_since = null,
         drain = false, started_at = clock_timestamp(), heartbeat_at = clock_timestamp()`,
      [name, incarnation, mode, host, process.pid, port, version, JSON.stringify(fingerprint)],
    );
  }

  async function refuseDrift(): Promise<void> {
    const others = (await listNodes(database)).filter(node => node.name !== name && node.seenSecondsAgo <= DEAD_AFTER_SECONDS);
    for (const other of others) {
      const keys = differingKeys(fingerprint, other.fingerprint).filter(key => identity.criticalKeys.includes(key));
      if (keys.length === 0) continue;
      throw new ConfigDrift(
        `the configuration is not that of node '${other.name}' (pid ${other.pid} on ${other.host}): ${keys.join(', ')} ${keys.length === 1 ? 'differs' : 'differ'}; main.ini, main.ini.d and cluster.json must be the same on all nodes`,
      );
    }
  }

  return {
    async register() {
      await query('begin');
      try {
        await query(LOCK);
        await takeName();
        await refuseDrift();
        await query('commit');
      } catch (error) {
        if (connection !== undefined) await query('rollback');
        throw error;
      }
    },

    async beat({ state, revision, claims }): Promise<Heartbeat> {
      const [row] = await query<BeatRow & pg.QueryResultRow>('select * from beat($1, $2, $3, $4, $5, $6, $7, $8)', [
        name,
        incarnation,
        state,
        revision,
        claims,
        failover,
        configuredMaster,
        leaseSeconds,
      ]);
      if (row === undefined) throw new Error('the heartbeat returned nothing');
      return {
        nowUs: row.now_us,
        revision: row.revision,
        incarnation: row.incarnation ?? undefined,
        drain: row.drain,
        lease:
          row.lease_holder === ''
            ? undefined
            : {
                holder: row.lease_holder,
                token: row.lease_token,
                mine: row.lease_mine,
                expiresInMs: row.lease_expires_in_ms,
                reason: row.lease_reason,
                handTo: row.hand_to === null ? undefined : { node: row.hand_to, reason: row.hand_reason },
              },
      };
    },

    async handLease(to, reason) {
      const [row] = await query<{ holder: string | null }>('select hand_lease($1, $2, $3, $4, $5, $6) as holder', [
        incarnation,
        to,
        reason,
        failover,
        configuredMaster,
        leaseSeconds,
      ]);
      return row?.holder ?? undefined;
    },

    listNodes: () => listNodes(database),

    async reconfigure(changed) {
      ({ fingerprint, failover, configuredMaster } = changed);
      await query('update node set fingerprint = $3 where name = $1 and incarnation = $2', [
        name,
        incarnation,
        JSON.stringify(fingerprint),
      ]);
    },

    async unregister() {
      await query('delete from node where name = $1 and incarnation = $2', [name, incarnation]);
    },

    async close() {
      await connection?.end();
      connection = undefined;
    },
  };
}

export async function listNodes(database: Database): Promise<NodeRow[]> {
  return database.query<NodeRow & pg.QueryResultRow>(
    `select name, incarnation, mode, host, pid, port, version, state, revision, fingerprint,
       round(extract(epoch from clock_timestamp() - heartbeat_at)::numeric, 1)::float8 as "seenSecondsAgo"
     from node order by name`,
  );
}

/** Keys that both have, with other values; a key that one version does not know says nothing. */
export function differingKeys(own: Fingerprint, other: Fingerprint): string[] {
  return Object.keys(own).filter(key => other[key] !== undefined && other[key] !== own[key]);
}

/** Our own pid was another process's before: a container's first process, or a pid given out again. */
function isAlive(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
