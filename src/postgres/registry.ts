/**
 * The node registry, the heartbeat and the lease, on a connection of its own so that no slow query can make this node
 * look dead. A name belongs to one incarnation (one run of a process): a second node of the name is refused while the
 * holder lives, and so is a node whose critical settings are not those of the living ones.
 */
import os from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import type pg from 'pg';
import { epochOf } from '../domain/change.ts';
import { type EpochReason, type Fingerprint, type Heartbeat, NodeNameHeld, type NodeRow, type Registry } from '../ports/index.ts';
import type { Database } from './database.ts';
import { BEGIN } from './session.ts';

/** A holder whose row is older than this is dead. The same in is_alive() of the schema. */
const DEAD_AFTER_SECONDS = 3;
/** A living node is heard again within this time: it beats once a second. */
const HEARD_WITHIN_MS = 1_300;
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
  readonly wal: number;
  readonly epoch_reason: EpochReason | null;
}

export function createRegistry(database: Database, identity: NodeIdentity): Registry & { close(): Promise<void> } {
  const { name, incarnation, mode, port, version, leaseSeconds } = identity;
  let { fingerprint, failover, configuredMaster } = identity;
  /** One for all callers, also for those that come while it is being made. */
  let connection: Promise<pg.Client> | undefined;
  let closed = false;
  let isRegistering = false;
  /** How far the server's log was with the last beat, and in which epoch: of a server of before it says nothing about this one. */
  let wal: { readonly position: number; readonly epoch: number } | undefined;

  async function query<R extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<R[]> {
    if (closed) throw new Error('this node has let go of its name');
    const mine = (connection ??= database.connect());
    try {
      const client = await mine;
      return isRegistering ? (await client.query<R>(text, values)).rows : await database.queryOn<R>(client, text, values);
    } catch (error) {
      if (connection === mine) connection = undefined;
      void mine.then(client => client.connection.stream.destroy()).catch(() => undefined);
      throw database.explain(error);
    }
  }

  interface Holder {
    readonly incarnation: string;
    readonly host: string;
    readonly pid: number;
    readonly startedAt: Date;
    readonly heartbeatAt: string;
    readonly seconds: number;
  }

  const findHolder = async (): Promise<Holder | undefined> =>
    (
      await query<Holder & pg.QueryResultRow>(
        `select incarnation, host, pid, started_at as "startedAt", heartbeat_at::text as "heartbeatAt",
           extract(epoch from clock_timestamp() - heartbeat_at)::float8 as seconds
         from node where name = $1`,
        [name],
      )
    )[0];

  /** A pid that is gone may be that of another container or of a cloned host: a heart that still beats is believed first. */
  async function hasDied({ incarnation: held, host, pid, heartbeatAt, seconds }: Holder): Promise<boolean> {
    if (held === incarnation || seconds > DEAD_AFTER_SECONDS) return true;
    if (host !== os.hostname() || isAlive(pid)) return false;
    await wait(HEARD_WITHIN_MS);
    const now = await findHolder();
    return now === undefined || (now.incarnation === held && now.heartbeatAt === heartbeatAt);
  }

  async function takeName(): Promise<void> {
    const holder = await findHolder();
    if (holder !== undefined && !(await hasDied(holder))) {
      throw new NodeNameHeld(
        `node name '${name}' is held by pid ${holder.pid} on ${holder.host} (running since ${holder.startedAt.toISOString()}); stop that node or start this one with another --node_name`,
      );
    }
    await query(
      `insert into node (name, incarnation, mode, host, pid, port, version, fingerprint, state, revision)
       values ($1, $2, $3, $4, $5, $6, $7, $8, 'starting', 0)
       on conflict (name) do update set incarnation = excluded.incarnation, mode = excluded.mode, host = excluded.host, pid = excluded.pid,
         port = excluded.port, version = excluded.version, fingerprint = excluded.fingerprint, state = excluded.state, ready_since = null,
         drain = false, stats = default, started_at = clock_timestamp(), heartbeat_at = clock_timestamp()`,
      [name, incarnation, mode, os.hostname(), process.pid, port, version, JSON.stringify(fingerprint)],
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
      isRegistering = true; // all of it in one transaction
      try {
        await query(database.begin(BEGIN));
        await query(LOCK);
        await takeName();
        await refuseDrift();
        await query('commit');
      } catch (error) {
        await query('rollback').catch(() => undefined); // a new connection, where the old one was lost
        throw error;
      } finally {
        isRegistering = false;
      }
    },

    async beat({ state, revision, known, claims, stats }): Promise<Heartbeat> {
      const [row] = await query<BeatRow & pg.QueryResultRow>('select * from beat($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)', [
        name,
        incarnation,
        state,
        revision,
        claims,
        failover,
        configuredMaster,
        leaseSeconds,
        JSON.stringify(stats),
        known.revision,
        known.batchId ?? null,
        wal?.epoch === epochOf(known.revision) ? wal.position : null,
      ]);
      if (row === undefined) throw new Error('the heartbeat returned nothing');
      wal = { position: row.wal, epoch: epochOf(row.revision) };
      return {
        nowUs: row.now_us,
        revision: row.revision,
        incarnation: row.incarnation ?? undefined,
        drain: row.drain,
        epochReason: row.epoch_reason ?? undefined,
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
      closed = true;
      await (await connection)?.end();
      connection = undefined;
    },
  };
}

export async function listNodes(database: Database): Promise<NodeRow[]> {
  const rows = await database.query<Omit<NodeRow, 'stats'> & { readonly stats: NodeRow['stats'] | Record<string, never> }>(
    `select name, incarnation, mode, host, pid, port, version, state, revision, fingerprint, stats, started_at as "startedAt",
       round(extract(epoch from clock_timestamp() - heartbeat_at)::numeric, 1)::float8 as "seenSecondsAgo"
     from node order by name`,
  );
  return rows.map(row => ({ ...row, stats: hasStats(row.stats) ? row.stats : undefined }));
}

function hasStats(stats: NodeRow['stats'] | Record<string, never>): stats is NonNullable<NodeRow['stats']> {
  return stats !== undefined && 'lag' in stats;
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
