/** Metrics in a registry of this node's own (a test runs several nodes in one process), as Prometheus text. */
import prom from 'prom-client';
import type { Metrics } from './ports.ts';

export interface MetricsRegistry extends Metrics {
  readonly contentType: string;
  text(): Promise<string>;
  /** The present value of a counter or gauge; 0 if there is none of this name. */
  value(name: string): Promise<number>;
}

const PREFIX = 'chat_';

export function createMetrics(): MetricsRegistry {
  const registry = new prom.Registry();
  prom.collectDefaultMetrics({ register: registry, prefix: PREFIX });
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    async value(name) {
      const metric = await registry.getSingleMetric(PREFIX + name)?.get();
      return metric?.values[0]?.value ?? 0;
    },
    counter(name, help) {
      const known = registry.getSingleMetric(PREFIX + name);
      return known instanceof prom.Counter ? known : new prom.Counter({ name: PREFIX + name, help, registers: [registry] });
    },
    gauge(name, help, read) {
      return new prom.Gauge({
        name: PREFIX + name,
        help,
        registers: [registry],
        ...(read === undefined
          ? {}
          : {
              collect() {
                this.set(read());
              },
            }),
      });
    },
    histogram(name, help, buckets) {
      return new prom.Histogram({ name: PREFIX + name, help, buckets: [...buckets], registers: [registry] });
    },
  };
}
