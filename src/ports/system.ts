/** What every part may use: the clock, the log, metrics. */

/** A monotonic clock for time-outs on this node; never compared with another node's. */
export interface Clock {
  nowMs(): number;
}

export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  /** Lines of one `kind` are written once, and then once a minute how often. Without it an `error` in the fields says which kind it is. */
  error(event: string, fields?: LogFields, kind?: string): void;
  warn(event: string, fields?: LogFields, kind?: string): void;
  info(event: string, fields?: LogFields): void;
  debug(event: string, fields?: LogFields): void;
  child(fields: LogFields): Log;
}

export interface Counter {
  inc(by?: number): void;
}

/** One counter for each value of a label; values are few and known. */
export interface LabelledCounter {
  inc(value: string, by?: number): void;
}

export interface Gauge {
  set(value: number): void;
}

export interface Histogram {
  observe(value: number): void;
}

/** Names are Prometheus names without the prefix `chat_`; each is created once and documented by `help`. */
export interface Metrics {
  counter(name: string, help: string): Counter;
  labelled(name: string, help: string, label: string): LabelledCounter;
  gauge(name: string, help: string, read?: () => number): Gauge;
  histogram(name: string, help: string, buckets: readonly number[]): Histogram;
}
