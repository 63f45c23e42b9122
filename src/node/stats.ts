/** What this node says of itself with each heartbeat: less than 300 bytes as JSON. */
import { cutText } from '../domain/text.ts';
import type { MetricsRegistry } from '../system/metrics.ts';
import type { NodeStats } from '../ports/index.ts';
import type { Health } from '../sync/health.ts';
import { cpuMeter } from './cpu-meter.ts';

/** Over a shorter time the CPU's share is noise: without the bus heartbeats come ten times a second. */
const CPU_OVER_MS = 900;
const MAX_REASON_LENGTH = 100;

export function nodeStats(metrics: MetricsRegistry, health: Health): () => Promise<NodeStats> {
  const cpu = cpuMeter(CPU_OVER_MS);
  return async () => {
    const cpuPercent = cpu();
    const [connections, wsConnections, messagesTotal, restCallsTotal] = await Promise.all([
      metrics.value('connections'),
      metrics.value('ws_connections'),
      metrics.value('messages_total'),
      metrics.value('rest_calls_total'),
    ]);
    return {
      connections,
      wsConnections,
      messagesTotal,
      restCallsTotal,
      cpuPercent,
      memoryBytes: process.memoryUsage.rss(),
      reason: cutText(health.reasons.join('; '), MAX_REASON_LENGTH).toWellFormed(),
    };
  };
}
