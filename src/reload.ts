/**
 * SIGHUP: the files are read again. Some settings apply at once, others are named as needing a restart; a faulty file
 * changes nothing at all.
 */
import type { LoadedConfig } from './config/config.ts';

/** What a running node can change. TLS files are read again in any case. */
const LIVE_KEYS: readonly string[] = ['log_level', 'mq_password', 'db_password', 'cluster.json'];

export interface Reload {
  readonly live: readonly string[];
  readonly needRestart: readonly string[];
}

/** Which settings differ, by name. */
export function planReload(before: LoadedConfig, after: LoadedConfig): Reload {
  const old = valuesOf(before);
  const changed = [...valuesOf(after)].filter(([key, value]) => old.get(key) !== value).map(([key]) => key);
  return { live: changed.filter(key => LIVE_KEYS.includes(key)), needRestart: changed.filter(key => !LIVE_KEYS.includes(key)) };
}

function valuesOf({ config, origins }: LoadedConfig): Map<string, string> {
  const values = new Map(origins.map(({ key, value }) => [key, value]));
  values.set('mq_password', config.mq?.password.reveal() ?? '');
  values.set('db_password', config.db?.password?.reveal() ?? '');
  values.set('lease_seconds', String(config.cluster?.leaseSeconds));
  const { leaseSeconds: _, ...cluster } = config.cluster ?? { leaseSeconds: 0 };
  values.set('cluster.json', JSON.stringify(cluster));
  return values;
}
