/** Metrics in a registry of this node's own (a test runs several nodes in one process), as Prometheus text. */
import prom from 'prom-client';
import type { Metrics } from '../ports/index.ts';

export interface MetricsRegistry extends Metrics {
  readonly contentType: string;
  text(): Promise<string>;
  /** The present value of a counter or gauge; 0 if there is none of this name. */
  value(name: string): Promise<number>;
}

const PREFIX = 'chat_';

/** A name that is asked for again gives the metric that it has: whoever was first has set its help, buckets or `read`. */
export function createMetrics(): MetricsRegistry {
  const registry = new prom.Registry();
  prom.collectDefaultMetrics({ register: registry, prefix: PREFIX });

  const known = <M>(name: string, kind: abstract new (...args: never[]) => M): M | undefined => {
    const metric: unknown = registry.getSingleMetric(name);
    if (metric === undefined || metric instanceof kind) return metric;
    throw new Error(`metric ${name} exists and is of another kind`);
  };

  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    async value(name) {
      const metric = await registry.getSingleMetric(PREFIX + name)?.get();
      return metric?.values[0]?.value ?? 0;
    },
    counter(suffix, help) {
      const name = PREFIX + suffix;
      return known(name, prom.Counter) ?? new prom.Counter({ name, help, registers: [registry] });
    },
    labelled(suffix, help, label) {
      const name = PREFIX + suffix;
      const counter = known(name, prom.Counter) ?? new prom.Counter({ name, help, labelNames: [label], registers: [registry] });
      return { inc: (value, by) => counter.inc({ [label]: value }, by ?? 1) };
    },
    gauge(suffix, help, read) {
      const name = PREFIX + suffix;
      const gauge = known(name, prom.Gauge);
      if (gauge !== undefined) return gauge;
      if (read === undefined) return new prom.Gauge({ name, help, registers: [registry] });
      return new prom.Gauge({
        name,
        help,
        registers: [registry],
        collect() {
          this.set(read());
        },
      });
    },
    histogram(suffix, help, buckets) {
      const name = PREFIX + suffix;
      return known(name, prom.Histogram) ?? new prom.Histogram({ name, help, buckets: [...buckets], registers: [registry] });
    },
  };
}
