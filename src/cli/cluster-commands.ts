/**
 * `cluster promote`, `handover`, `drain`: an administrator's wishes, written into the database. The nodes read them with
 * their next heartbeat and do the rest; these commands wait until it is done.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Config } from '../config/config.ts';
import type { Database } from '../postgres/database.ts';
import { ServiceError, UsageError } from './exit.ts';
import { openDatabase } from './open-database.ts';

/** A heartbeat, the rest of a dead holder's lease, the ten seconds that the configured master must have been ready. */
const DONE_WITHIN_MS = 20_000;

interface NodeFacts {
  readonly name: string;
  readonly alive: boolean;
  readonly ready: boolean;
  readonly state: string;
}

/** The node leads and keeps the lease until `handover`, whoever the configured master is. */
export function promote(config: Config, nodeName: string): Promise<string> {
  return withDatabase(config, async database => {
    const node = await findNode(database, nodeName);
    if (!node.ready)
      throw new ServiceError(`node '${nodeName}' is ${node.alive ? node.state : 'dead'}: only a node that is ready can lead`);
    await database.query('update lease set promoted = $1', [nodeName]);
    await untilHolder(database, nodeName);
    return `'${nodeName}' leads, until cluster handover`;
  });
}

/** Ends a promotion: the lease goes back to the configured master. */
export function handover(config: Config): Promise<string> {
  return withDatabase(config, async database => {
    const [master] = await database.query<{ name: string }>(
      "select name from node n where mode = 'master' order by is_alive(n) desc, heartbeat_at desc",
    );
    if (master === undefined) throw new ServiceError('the configured master is not running: it cannot take the lease now');
    const node = await findNode(database, master.name);
    if (!node.ready)
      throw new ServiceError(`the configured master '${node.name}' is ${node.alive ? node.state : 'dead'}: it cannot take the lease now`);
    await database.query("update lease set promoted = ''");
    await untilHolder(database, node.name);
    return `'${node.name}' leads`;
  });
}

/** The node hands over what it leads, sends its clients to the others and takes no more, until it is stopped or `undo`. */
export function drain(config: Config, nodeName: string, undo: boolean): Promise<string> {
  return withDatabase(config, async database => {
    const node = await findNode(database, nodeName);
    if (!node.alive) throw new ServiceError(`node '${nodeName}' is dead: there is nothing to drain`);
    await database.query('update node set drain = $2 where name = $1', [nodeName, !undo]);
    await until(
      async () => {
        const { alive, state } = await findNode(database, nodeName);
        if (!alive) throw new ServiceError(`node '${nodeName}' has died`);
        return undo ? state === 'running' || state === 'degraded' : state === 'draining';
      },
      `node '${nodeName}' has not ${undo ? 'come back' : 'begun to drain'} within ${DONE_WITHIN_MS / 1000} s; see its log`,
    );
    return undo ? `'${nodeName}' takes clients again` : `'${nodeName}' is drained of its clients; stop it, or take it back with --undo`;
  });
}

async function withDatabase<T>(config: Config, run: (database: Database) => Promise<T>): Promise<T> {
  const opened = await openDatabase(config);
  try {
    return await run(opened.database);
  } finally {
    await opened.close();
  }
}

async function findNode(database: Database, name: string): Promise<NodeFacts> {
  const nodes = await database.query<NodeFacts & Record<string, unknown>>(
    'select name, state, is_alive(n) as alive, is_ready(n) as ready from node n order by name',
  );
  const node = nodes.find(one => one.name === name);
  if (node !== undefined) return node;
  const known = nodes.length === 0 ? 'none is running' : nodes.map(one => one.name).join(', ');
  throw new UsageError(`there is no node '${name}' (${known})`);
}

function untilHolder(database: Database, name: string): Promise<void> {
  return until(
    async () => {
      const [lease] = await database.query<{ holder: string }>('select holder from lease where expires_at > clock_timestamp()');
      return lease?.holder === name;
    },
    `'${name}' has not got the lease within ${DONE_WITHIN_MS / 1000} s; see cluster status`,
  );
}

async function until(isDone: () => Promise<boolean>, otherwise: string): Promise<void> {
  for (const end = performance.now() + DONE_WITHIN_MS; performance.now() < end; await wait(100)) if (await isDone()) return;
  throw new ServiceError(otherwise);
}
