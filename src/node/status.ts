/** /status of a node, as docs/protocol/cli.md names its fields. No secret, no address of a person. */
import { cpus, totalmem } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import type { Config } from '../config/config.ts';
import { roleOf, stateOf } from '../domain/cluster.ts';
import { differingKeys } from '../postgres/registry.ts';
import type { Bus, Fingerprint, NodeRow, OpenedEpoch, Registry, SearchIndex } from '../ports/index.ts';
import type { Feed } from '../sync/feed.ts';
import type { Health } from '../sync/health.ts';
import type { Leadership } from '../sync/leadership.ts';
import type { Replica } from '../sync/replica.ts';
import type { MetricsRegistry } from '../system/metrics.ts';
import type { WsServer } from '../ws/server.ts';
import { cpuMeter } from './cpu-meter.ts';

export interface StatusSources {
  readonly config: Config;
  readonly fingerprint: () => Fingerprint;
  readonly version: string;
  readonly health: Health;
  readonly leadership: Leadership;
  readonly replica: Replica;
  readonly feed: Feed;
  readonly registry: Registry;
  /** Newest first. */
  readonly epochs: () => Promise<readonly OpenedEpoch[]>;
  readonly search: SearchIndex['state'];
  readonly bus: Bus;
  readonly ws: WsServer;
  readonly metrics: MetricsRegistry;
}

/** With the database away, what was known last is told: who asks wants to know about this node above all. */
const LIST_WITHIN_MS = 500;
const CPU_OVER_MS = 100;

export function nodeStatus(sources: StatusSources): () => Promise<object> {
  const { config, fingerprint, version, health, leadership, replica, feed, registry, epochs, search, bus, ws, metrics } = sources;
  const upSince = new Date().toISOString();
  const messages = metrics.counter('messages_total', 'Messages that this node has applied, its own and those of other nodes');
  replica.listen({
    applied: ({ change }) => {
      if (change.type === 'message-added') messages.inc();
    },
  });
  let nodes: readonly NodeRow[] = [];
  let opened: readonly OpenedEpoch[] = [];
  let searched: string | null = null;
  let maxCpu = 0;
  let maxMemory = 0;
  let maxConnections = 0;
  const readCpu = cpuMeter(CPU_OVER_MS);

  return async () => {
    const cpu = readCpu();
    const memory = process.memoryUsage.rss();
    maxCpu = Math.max(maxCpu, cpu);
    maxMemory = Math.max(maxMemory, memory);
    maxConnections = Math.max(maxConnections, ws.connections);
    const late = wait(LIST_WITHIN_MS, undefined, { ref: false });
    nodes = (await Promise.race([registry.listNodes().catch(() => undefined), late])) ?? nodes;
    opened = (await Promise.race([epochs().catch(() => undefined), late])) ?? opened;
    searched = (await Promise.race([search().catch(() => undefined), late])) ?? searched;
    const [epoch] = opened;
    const leader = leadership.leader ?? null;
    return {
      version,
      enableTls: config.node.tls !== undefined,
      scaling: config.mode === 'single' ? 'none' : 'horizontal',
      logging: config.node.logLevel,
      state: health.state,
      reason: health.reasons.join('; ') || null,
      node: config.node.name,
      mode: config.mode,
      role: roleOf(config.mode, leadership.token !== undefined),
      leader,
      revision: String(replica.revision),
      // Why revisions began anew the last time; null: they never did.
      epoch: epoch === undefined ? null : { number: epoch.epoch, reason: epoch.reason, openedAt: epoch.openedAt.toISOString() },
      lag: { revisions: feed.lag, seconds: feed.lagSeconds },
      transport: bus.transport,
      // Are searches by words behind an index?
      search: searched,
      cluster: nodes.map(row => ({
        node: row.name,
        role: roleOf(row.mode, row.name === leader),
        state: stateOf(row.state, row.seenSecondsAgo),
        revision: String(row.revision),
        seenSecondsAgo: row.seenSecondsAgo,
        differs: differingKeys(fingerprint(), row.fingerprint),
      })),
      main: {
        cpu: { current: cpu, max: maxCpu, cores: cpus().length },
        memory: { current: memory, max: maxMemory, total: totalmem() },
        connections: { total: await metrics.value('ws_connections_total'), current: ws.connections, max: maxConnections },
        messages: { processed: await metrics.value('messages_total') },
        restCalls: { received: await metrics.value('rest_calls_total') },
        up_since: upSince,
        pid: process.pid,
      },
    };
  };
}
