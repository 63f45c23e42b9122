/** What an administrator sees of the cluster, and his wishes, for the command line and for every node's HTTP. */
import { DEAD_AFTER_SECONDS, roleOf, stateOf } from '../domain/cluster.ts';
import { ChatError } from '../domain/error.ts';
import type { ClusterControl, ClusterOverview, DatabaseFacts, OpenedEpoch } from '../ports/index.ts';
import type { Database } from './database.ts';
import { differingKeys, listNodes } from './registry.ts';

interface LeaseRow {
  readonly holder: string;
  readonly token: number;
  readonly reason: string;
  readonly promoted: boolean;
  readonly expiresInMs: number;
  readonly newest: number;
  readonly ready: readonly string[];
}

interface NodeFacts {
  readonly name: string;
  readonly alive: boolean;
  readonly ready: boolean;
  readonly state: string;
}

export function createClusterControl(database: Database): ClusterControl {
  /** Throws unless it could take the lease; `inVain` ends the sentence. */
  function refuseUnlessReady({ ready, alive, state }: NodeFacts, who: string, inVain: string): void {
    if (!ready) throw new ChatError('conflict', 'node-not-ready', `${who} is ${alive ? state : 'dead'}: ${inVain}`);
  }

  async function findNode(name: string): Promise<NodeFacts> {
    const nodes = await database.query<NodeFacts & Record<string, unknown>>(
      'select name, state, is_alive(n) as alive, is_ready(n) as ready from node n order by name',
    );
    const node = nodes.find(one => one.name === name);
    if (node !== undefined) return node;
    const known = nodes.length === 0 ? 'none is running' : nodes.map(one => one.name).join(', ');
    throw new ChatError('not-found', 'node-not-found', `there is no node '${name}' (${known})`);
  }

  return {
    look: () => look(database),
    database: () => readFacts(database),

    async promote(nodeName) {
      refuseUnlessReady(await findNode(nodeName), `node '${nodeName}'`, 'only a node that is ready can lead');
      await database.query('update lease set promoted = $1', [nodeName]);
    },

    async handOver() {
      const [master] = await database.query<{ name: string }>(
        "select name from node n where mode = 'master' order by is_alive(n) desc, heartbeat_at desc limit 1",
      );
      if (master === undefined)
        throw new ChatError('conflict', 'node-not-ready', 'the configured master is not running: it cannot take the lease now');
      refuseUnlessReady(await findNode(master.name), `the configured master '${master.name}'`, 'it cannot take the lease now');
      await database.query("update lease set promoted = ''");
      return master.name;
    },

    async newEpoch() {
      await database.query("select open_epoch(null, null, null, 'by-hand')");
      const [installation] = await database.query<{ epoch: number }>('select epoch from installation');
      return installation?.epoch ?? 0;
    },

    async drain(nodeName, drained) {
      const { alive } = await findNode(nodeName);
      if (!alive) throw new ChatError('conflict', 'node-not-ready', `node '${nodeName}' is dead: there is nothing to drain`);
      await database.query('update node set drain = $2 where name = $1', [nodeName, drained]);
    },
  };
}

async function look(database: Database): Promise<ClusterOverview> {
  const [rows, epochs, leases] = await Promise.all([
    listNodes(database),
    listEpochs(database),
    database.query<LeaseRow & Record<string, unknown>>(
      `select holder, token, reason, promoted = holder as promoted, newest_revision() as newest,
         (extract(epoch from expires_at - clock_timestamp()) * 1000)::bigint as "expiresInMs",
         array(select name from node n where is_ready(n)) as ready
       from lease`,
    ),
  ]);
  const [lease] = leases;
  const newest = lease?.newest ?? 0;
  const held = lease !== undefined && lease.expiresInMs > 0 ? lease : undefined;
  const leader = rows.find(row => row.name === held?.holder) ?? rows.find(row => row.mode !== 'slave');
  return {
    revision: newest,
    lease:
      held === undefined
        ? undefined
        : { holder: held.holder, token: held.token, expiresInMs: held.expiresInMs, reason: held.reason, promoted: held.promoted },
    nodes: rows.map(({ fingerprint, incarnation: _, stats, ...row }) => ({
      ...row,
      role: roleOf(row.mode, row.name === held?.holder),
      state: stateOf(row.state, row.seenSecondsAgo),
      ready: lease?.ready.includes(row.name) ?? false,
      lag: stats !== undefined && row.seenSecondsAgo <= DEAD_AFTER_SECONDS ? stats.lag : Math.max(0, newest - row.revision),
      differs: leader === undefined ? [] : differingKeys(leader.fingerprint, fingerprint),
      stats: stats === undefined ? undefined : withoutLag(stats),
    })),
    epochs,
  };
}

/** Newest first. */
export function listEpochs(database: Database): Promise<OpenedEpoch[]> {
  return database.query<OpenedEpoch & Record<string, unknown>>(
    `select epoch, reason, opened_at as "openedAt", newest_revision as "newestRevision", known_revision as "knownRevision"
     from epoch_opened order by epoch desc limit 10`,
  );
}

function withoutLag<S extends { readonly lag: number }>({ lag: _, ...stats }: S): Omit<S, 'lag'> {
  return stats;
}

async function readFacts(database: Database): Promise<DatabaseFacts> {
  const [facts] = await database.query<DatabaseFacts & Record<string, unknown>>(
    `select split_part(current_setting('server_version'), ' ', 1) as version, pg_database_size(current_database()) as "sizeBytes",
       (select count(*) from pg_stat_activity where datname = current_database()) as connections, pg_is_in_recovery() as "isReplica"`,
  );
  if (facts === undefined) throw new Error('the database has told nothing of itself');
  return facts;
}
