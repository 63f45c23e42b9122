/**
 * How many bytes of large answers are made per second, for each client and each address: an answer of a megabyte costs the
 * database and this node ten milliseconds, whether it is read or not. Who asks for more waits a little, then is told to try
 * later. Used by UnreadAnswers; files are not counted, they cost little.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { ChatError } from '../domain/error.ts';
import type { Counter, Metrics } from '../ports/index.ts';
import { ExpiringMap } from '../sessions/expiring-map.ts';

/** Who asks. `address` as `addressKey`; undefined: of an operator, who may come from where he likes. */
export interface Reader {
  readonly kind: 'visitor' | 'operator';
  /** undefined: not known yet. */
  readonly id: string | undefined;
  readonly address: string | undefined;
}

const MIB = 1_048_576;

interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** An app that starts anew reads all of its history, most of which is a few megabytes. */
export const BYTE_RATES: Readonly<Record<'visitor' | 'operator' | 'address', Rate>> = {
  visitor: { perSecond: MIB, burst: 8 * MIB },
  operator: { perSecond: 4 * MIB, burst: 32 * MIB },
  address: { perSecond: 8 * MIB, burst: 32 * MIB },
};
const MAX_WAIT_MS = 2_000;
const MAX_KNOWN = 100_000;
const FORGOTTEN_MS = 60_000;

export class BytePace {
  /** Until when what each has got is paid for. */
  readonly #paidMs: ExpiringMap<string, number>;
  readonly #slowed: Counter;
  readonly #refused: Counter;

  constructor(metrics: Metrics) {
    this.#paidMs = new ExpiringMap({ nowMs: () => performance.now() }, MAX_KNOWN);
    this.#slowed = metrics.counter('http_bytes_slowed_total', 'Reads that waited because their client or address had read much');
    this.#refused = metrics.counter(
      'http_bytes_refused_total',
      'Reads told to try later because their client or address had read too much',
    );
  }

  /** What a reader must wait for. Throws ChatError `rate-limited` when that would take too long. */
  next(reader: Reader): Promise<void> | undefined {
    let waitMs = 0;
    for (const { key, rate } of ratesOf(reader))
      waitMs = Math.max(waitMs, (this.#paidMs.get(key) ?? 0) - performance.now() - (rate.burst / rate.perSecond) * 1_000);
    if (waitMs <= 0) return undefined;
    if (waitMs > MAX_WAIT_MS) {
      this.#refused.inc();
      throw new ChatError('rate-limited', 'rate-limited', 'too many bytes at once', { retryAfterMs: Math.ceil(waitMs) });
    }
    this.#slowed.inc();
    return wait(waitMs);
  }

  spend(reader: Reader, bytes: number): void {
    for (const { key, rate } of ratesOf(reader)) {
      const paidMs = Math.max(this.#paidMs.get(key) ?? 0, performance.now()) + (bytes / rate.perSecond) * 1_000;
      this.#paidMs.set(key, paidMs, FORGOTTEN_MS);
    }
  }
}

function ratesOf({ kind, id, address }: Reader): { readonly key: string; readonly rate: Rate }[] {
  return [
    ...(id === undefined ? [] : [{ key: `${kind} ${id}`, rate: BYTE_RATES[kind] }]),
    ...(kind === 'operator' || address === undefined ? [] : [{ key: `address ${address}`, rate: BYTE_RATES.address }]),
  ];
}
