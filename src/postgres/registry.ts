/**
 * The node registry and the heartbeat, on a connection of its own so that no slow query can make this node look
 * dead. A name belongs to one incarnation (one run of a process): a second node of the name is refused while the
 * holder lives.
 */
import os from 'node:os';
import type pg from 'pg';
import type { Heartbeat, NodeRow, Registry } from '../ports.ts';
import type { Database } from './database.ts';

/** A holder whose row is older than this is dead. */
const DEAD_AFTER_SECONDS = 3;

export interface NodeIdentity {
  readonly name: string;
  readonly incarnation: string;
  readonly mode: string;
  readonly port: number;
  readonly version: string;
  readonly leaseSeconds: number;
}

/** Another living process has this node's name. Exit code 75: a service manager tries again. */
export class NodeNameHeld extends Error {
  override readonly name = 'NodeNameHeld';
}

export function createRegistry(database: Database, identity: NodeIdentity): Registry & { close(): Promise<void> } {
  const { name, incarnation, mode, port, version, leaseSeconds } = identity;
  let connection: pg.Client | undefined;

  async function query<R extends pg.QueryResultRow>(text: string, values: unknown[]): Promise<R[]> {
    connection ??= await database.connect();
    try {
      return (await connection.query<R>(text, values)).rows;
    } catch (error) {
      connection.connection.stream.destroy();
      connection = undefined;
      throw error;
    }
  }

  return {
    async register() {
      const host = os.hostname();
      const taken = await query<{ host: string; pid: number; startedAt: Date; seconds: number }>(
        `select host, pid, started_at as "startedAt", extract(epoch from clock_timestamp() - heartbeat_at)::float8 as seconds
         from node where name = $1`,
        [name],
      );
      const holder = taken[0];
      const dead = holder === undefined || holder.seconds > DEAD_AFTER_SECONDS || (holder.host === host && !isAlive(holder.pid));
      const rows = await query(
        `insert into node (name, incarnation, mode, host, pid, port, version, state, revision) values ($1, $2, $3, $4, $5, $6, $7, 'starting', 0)
         on conflict (name) do update set incarnation = excluded.incarnation, mode = excluded.mode, host = excluded.host, pid = excluded.pid,
           port = excluded.port, version = excluded.version, state = excluded.state, started_at = clock_timestamp(), heartbeat_at = clock_timestamp()
         where $8 or node.heartbeat_at < clock_timestamp() - $9 * interval '1 second' returning name`,
        [name, incarnation, mode, host, process.pid, port, version, dead, DEAD_AFTER_SECONDS],
      );
      if (rows.length === 0 && holder !== undefined) {
        throw new NodeNameHeld(
          `node name '${name}' is held by pid ${holder.pid} on ${holder.host} (running since ${holder.startedAt.toISOString()}); stop that node or start this one with another --node_name`,
        );
      }
    },

    async beat({ state, revision, wantsLease }): Promise<Heartbeat> {
      const rows = await query<{
        now_us: number;
        revision: number;
        incarnation: string | null;
        lease_holder: string;
        lease_token: number;
        lease_mine: boolean;
        lease_expires_in_ms: number;
      }>('select * from beat($1, $2, $3, $4, $5, $6)', [name, incarnation, state, revision, wantsLease, leaseSeconds]);
      const row = rows[0];
      if (row === undefined) throw new Error('the heartbeat returned nothing');
      return {
        nowUs: row.now_us,
        revision: row.revision,
        incarnation: row.incarnation ?? undefined,
        lease:
          row.lease_holder === ''
            ? undefined
            : { holder: row.lease_holder, token: row.lease_token, mine: row.lease_mine, expiresInMs: row.lease_expires_in_ms },
      };
    },

    listNodes: () => listNodes(database),

    async unregister() {
      await query('delete from node where name = $1 and incarnation = $2', [name, incarnation]);
      await query("update lease set expires_at = '1970-01-01Z' where incarnation = $1", [incarnation]);
    },

    async close() {
      await connection?.end();
      connection = undefined;
    },
  };
}

export async function listNodes(database: Database): Promise<NodeRow[]> {
  return database.query<NodeRow & { seenSecondsAgo: number }>(
    `select name, mode, host, pid, port, version, state, revision,
       round(extract(epoch from clock_timestamp() - heartbeat_at)::numeric, 1)::float8 as "seenSecondsAgo"
     from node order by name`,
  );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
