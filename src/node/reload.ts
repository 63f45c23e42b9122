/**
 * SIGHUP: the files are read again. Some settings apply at once, others are named as needing a restart; a faulty file
 * changes nothing at all.
 */
import type { Config, LoadedConfig } from '../config/config.ts';
import { fingerprintOfCluster } from '../config/fingerprint.ts';
import type { HttpServer } from '../http/server.ts';
import type { NodeLog } from '../system/log.ts';
import type { Bus, Log, Registry } from '../ports/index.ts';
import type { Database } from '../postgres/database.ts';
import { type ClusterIdentity, differingKeys } from '../postgres/registry.ts';

/** What a running node can change. TLS files are read again in any case. */
const LIVE_KEYS: readonly string[] = ['log_level', 'mq_password', 'db_password', 'cluster.json'];

export interface Reload {
  readonly live: readonly string[];
  readonly needRestart: readonly string[];
}

/** By name: what is new since the last reading and applies, and what differs from the start and does not. */
export function planReload(started: LoadedConfig, last: LoadedConfig, next: LoadedConfig): Reload {
  const differing = (from: LoadedConfig): string[] => {
    const old = valuesOf(from);
    return [...valuesOf(next)].filter(([key, value]) => old.get(key) !== value).map(([key]) => key);
  };
  return {
    live: differing(last).filter(key => LIVE_KEYS.includes(key)),
    needRestart: differing(started).filter(key => !LIVE_KEYS.includes(key)),
  };
}

function valuesOf({ config, origins }: LoadedConfig): Map<string, string> {
  const values = new Map(origins.map(({ key, value }) => [key, value]));
  values.set('mq_password', config.mq?.password.reveal() ?? '');
  values.set('db_password', config.db?.password?.reveal() ?? '');
  values.set('visitor_fields_keys', config.identification.fieldsKeys.map(({ id, secret }) => `${id}:${secret.reveal()}`).join());
  values.set('visitor_fields_key', config.identification.fieldsKey?.reveal() ?? '');
  values.set('backend_key', config.identification.backendKey?.reveal() ?? '');
  values.set('lease_seconds', String(config.cluster?.leaseSeconds));
  const { leaseSeconds: _, ...cluster } = config.cluster ?? { leaseSeconds: 0 };
  values.set('cluster.json', JSON.stringify(cluster));
  return values;
}

const LIVING_WITHIN_SECONDS = 3;

export interface Reloadable {
  readonly log: NodeLog;
  readonly databases: readonly Database[];
  readonly bus: Bus;
  readonly web: HttpServer;
  readonly registry: Registry;
  /** What this node is from now on. */
  readonly identity: ClusterIdentity;
}

/** Passwords are for connections from now on; those that are open stay. */
export async function applyReload(next: LoadedConfig, { log, databases, bus, web, registry, identity }: Reloadable): Promise<void> {
  const { config } = next;
  await registry.reconfigure(identity); // first: without the database nothing is applied
  log.setLevel(config.node.logLevel);
  if (config.db !== undefined) for (const database of databases) database.setPassword(config.db.password?.reveal());
  if (config.mq !== undefined) bus.setPassword(config.mq.password.reveal());
  web.reloadTls();
}

/** What runs: the settings of the start, with cluster.json as it was read last (but its lease_seconds of the start). */
export function clusterIdentity({ config: started }: LoadedConfig, read: LoadedConfig): ClusterIdentity {
  const { node } = started;
  const cluster =
    read.config.cluster === undefined || started.cluster === undefined
      ? started.cluster
      : { ...read.config.cluster, leaseSeconds: started.cluster.leaseSeconds };
  const fingerprint = { ...started.fingerprint, 'cluster.json': fingerprintOfCluster(cluster) };
  return { fingerprint, failover: cluster?.failover ?? 'automatic', configuredMaster: cluster?.masterNodeName ?? node.name };
}

/** Differences that do no harm to the cluster, but that nobody will have meant. */
export async function warnOfDrift({ node, fingerprint }: Config, registry: Registry, log: Log): Promise<void> {
  for (const other of await registry.listNodes()) {
    const keys = differingKeys(fingerprint, other.fingerprint);
    if (other.name !== node.name && other.seenSecondsAgo <= LIVING_WITHIN_SECONDS && keys.length > 0)
      log.warn('config-differs', { other: other.name, keys });
  }
}
