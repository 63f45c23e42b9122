/**
 * How quickly one address (IPv6: one /64) may come, make new visitors, and begin to act: what costs rows is bounded by how many
 * addresses somebody has. Far above what the people behind one address do; who is told to try later tries again by itself.
 */
import { ChatError } from '../domain/error.ts';
import type { Clock, LabelledCounter, Metrics } from '../ports/index.ts';
import { ExpiringMap } from './expiring-map.ts';
import { RateLimit } from './rate-limit.ts';

/** One that is forgotten has a full burst again. */
const MAX_ADDRESSES = 100_000;
const INIT_BURST = 10;
/** Who comes back costs less than who is new: a page of theirs, if they have left something before. */
const ARRIVALS_PER_INIT = 10;
/** A burst of so many begun at once is a minute's worth. */
const MINUTE_MS = 60_000;

type What = 'arrival' | 'init' | 'chat';

export class AddressPaces {
  readonly #clock: Clock;
  readonly #refused: LabelledCounter;
  readonly #paces: Readonly<Record<What, { readonly pace: RateLimit; readonly addresses: ExpiringMap<string, number> }>>;

  constructor(options: {
    readonly clock: Clock;
    readonly metrics: Metrics;
    readonly initsPerSecond: number;
    readonly chatsPerMinute: number;
  }) {
    const { clock, metrics, initsPerSecond, chatsPerMinute } = options;
    this.#clock = clock;
    const arrivals = initsPerSecond * ARRIVALS_PER_INIT;
    this.#paces = {
      arrival: { pace: new RateLimit(arrivals, arrivals * INIT_BURST), addresses: new ExpiringMap(clock, MAX_ADDRESSES) },
      init: { pace: new RateLimit(initsPerSecond, initsPerSecond * INIT_BURST), addresses: new ExpiringMap(clock, MAX_ADDRESSES) },
      chat: { pace: new RateLimit(chatsPerMinute / 60, chatsPerMinute), addresses: new ExpiringMap(clock, MAX_ADDRESSES) },
    };
    this.#refused = metrics.labelled(
      'address_refused_total',
      'What was told to try later because its address was too fast: arrival (all inits), init (new visitors), chat (begun)',
      'what',
    );
    metrics.gauge('address_paces', 'Addresses whose pace is remembered (at most 100000 of each kind)', () =>
      Object.values(this.#paces).reduce((sum, { addresses }) => sum + addresses.size, 0),
    );
  }

  /** An init, of whomever. `address` as `addressKey`. Throws `rate-limited`. */
  arrival(address: string): void {
    this.#take('arrival', address);
  }

  /** A visitor is about to be made. `address` as `addressKey`. Throws `rate-limited`. */
  newVisitor(address: string): void {
    this.#take('init', address);
  }

  /** A visitor begins a chat, or acts for the first time. Throws `rate-limited`. */
  beginning(address: string): void {
    this.#take('chat', address);
  }

  #take(what: What, address: string): void {
    const { pace, addresses } = this.#paces[what];
    const nowMs = this.#clock.nowMs();
    const { waitMs, spentMs } = pace.next(addresses.get(address) ?? 0, nowMs);
    if (waitMs > 0) {
      this.#refused.inc(what);
      throw new ChatError('rate-limited', 'rate-limited', `too many from one address: ${what}`, { retryAfterMs: Math.ceil(waitMs) });
    }
    addresses.set(address, spentMs, spentMs - nowMs + MINUTE_MS);
  }
}
