/** Times in milliseconds, counted in buckets that are 0.8 % apart: memory does not grow with the run. */

const SMALLEST_MS = 0.001;
const BUCKETS = 6_000;
const PER_E = 125;

export interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

export class Histogram {
  readonly #buckets = new Float64Array(BUCKETS);
  #count = 0;
  #max = 0;

  add(ms: number): void {
    const bucket = Math.floor(Math.log(Math.max(ms, SMALLEST_MS) / SMALLEST_MS) * PER_E);
    const at = Math.min(BUCKETS - 1, bucket);
    this.#buckets[at] = (this.#buckets[at] ?? 0) + 1;
    this.#count += 1;
    if (ms > this.#max) this.#max = ms;
  }

  percentiles(): Percentiles {
    return { count: this.#count, p50: this.#at(0.5), p95: this.#at(0.95), p99: this.#at(0.99), max: round(this.#max) };
  }

  #at(share: number): number {
    let seen = 0;
    for (let i = 0; i < BUCKETS; i++) {
      seen += this.#buckets[i] ?? 0;
      if (seen >= share * this.#count && seen > 0) return round(SMALLEST_MS * Math.exp((i + 0.5) / PER_E));
    }
    return Number.NaN;
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.filter(value => !Number.isNaN(value)).sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[middle - 1], sorted[middle]];
  if (high === undefined) return Number.NaN;
  return sorted.length % 2 === 1 || low === undefined ? high : (low + high) / 2;
}

function round(ms: number): number {
  return Number(ms.toPrecision(3));
}
