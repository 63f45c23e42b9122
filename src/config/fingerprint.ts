/**
 * A hash for each setting, so that nodes can be held against each other without telling values. Secrets are not in it
 * (the hash of a password can be guessed), nor what may differ between nodes.
 */
import { createHash } from 'node:crypto';
import type { Cluster } from './cluster-file.ts';
import { type Key, KEYS } from './keys.ts';
import type { Source } from './values.ts';

/** A node that differs in one of these from a living node is refused. */
export const CRITICAL_KEYS = ['cluster.json', 'mq_host', 'mq_virtual_host', 'mq_node_id_prefix', 'db_host', 'db_name'] as const;

const OWN_TO_A_NODE: readonly string[] = ['listen', 'port', 'log_level', 'data_dir', 'mq_port', 'db_port', 'db_direct_port'];

export function fingerprintOf(sources: readonly Source[], cluster: Cluster | undefined): Readonly<Record<string, string>> {
  const values = sources
    .filter(({ key }) => (KEYS as Readonly<Record<string, Key>>)[key]?.secret !== true && !OWN_TO_A_NODE.includes(key))
    .map(({ key, value }) => [key, hash(value)] as const);
  return Object.fromEntries([...values, ['cluster.json', fingerprintOfCluster(cluster)]]);
}

export function fingerprintOfCluster(cluster: Cluster | undefined): string {
  return hash(JSON.stringify(cluster ?? null));
}

function hash(value: string): string {
  return createHash('sha256').update(value).digest('hex').slice(0, 16);
}
