/**
 * What stands between a stranger and the passwords: a place in a queue that is fair between addresses, and one in buckets
 * that all nodes share, taken before a password is looked at and given back when it is right. Called by operator-logins.ts.
 *
 * A bucket holds a number of wrong passwords and gives one back from time to time. There is one for each account from each address,
 * one for each account from all addresses, one for each address, and one for all. Where an account has logged in within the last
 * 30 days only the first counts, and it has a queue of its own: strangers cannot keep anybody out of where they usually work.
 *
 * It keeps no login and no address: keys are HMACs, and unknown logins are counted as known ones are.
 */
import { createHmac } from 'node:crypto';
import { ChatError } from '../../domain/error.ts';
import type { Bucket, LoginAttempts, Metrics } from '../../ports/index.ts';
import { addressKey } from '../../protocol/address.ts';
import { FairQueue } from '../fair-queue.ts';

const PAIR = { bound: 5, everySeconds: 30 };
const ACCOUNT = { bound: 30, everySeconds: 60 };
const ADDRESS = { bound: 60, everySeconds: 10 };
const ALL = { bound: 600, everySeconds: 0.1 };

/** Each check takes a core for about 50 ms; with both queues full that is four cores. */
const OF_STRANGERS = { atOnce: 2, atOncePerLane: 1, waiting: 300, waitingPerLane: 100 };
const OF_KNOWN = { atOnce: 2, atOncePerLane: 2, waiting: 300, waitingPerLane: 20 };

export interface Attempt {
  readonly buckets: readonly Bucket[];
  /** The account from this address. */
  readonly pair: string;
  readonly place: string;
  readonly account: string;
}

export interface LoginGuardOptions {
  readonly attempts: LoginAttempts;
  readonly metrics: Metrics;
  readonly secret: string;
}

export class LoginGuard {
  readonly #attempts: LoginAttempts;
  readonly #secret: string;
  readonly #strangers = new FairQueue(OF_STRANGERS);
  readonly #known = new FairQueue(OF_KNOWN);

  constructor({ attempts, metrics, secret }: LoginGuardOptions) {
    this.#attempts = attempts;
    this.#secret = secret;
    metrics.gauge(
      'logins_waiting',
      `Log-ins that wait for their password to be checked (at most ${OF_STRANGERS.waiting + OF_KNOWN.waiting})`,
      () => this.#strangers.waiting + this.#known.waiting,
    );
  }

  /** Runs `check` in its turn. Throws `too-many-attempts`, or `server-not-ready` when too many wait. */
  async inTurn<T>(login: string, ip: string, check: (attempt: Attempt) => Promise<T>): Promise<T> {
    const address = addressKey(ip);
    const pair = this.#key('pair', login, address);
    const account = this.#key('account', login);
    const place = this.#key('place', login, address);
    const isKnown = await this.#attempts.isKnown(place);
    const own = { key: pair, ...PAIR };
    const buckets = isKnown
      ? [own]
      : [own, { key: account, ...ACCOUNT }, { key: this.#key('address', address), ...ADDRESS }, { key: this.#key('all'), ...ALL }];
    return isKnown
      ? this.#known.run(place, () => check({ buckets, pair, place, account }))
      : this.#strangers.run(address, () => check({ buckets, pair, place, account }));
  }

  /** Before the password is looked at. Throws `too-many-attempts`. */
  async reserve({ buckets }: Attempt): Promise<void> {
    const retryAfterMs = await this.#attempts.reserve(buckets);
    if (retryAfterMs > 0)
      throw new ChatError('rate-limited', 'too-many-attempts', 'too many failed logins, try again later', { retryAfterMs });
  }

  /** The password was right. */
  async giveBack({ buckets, pair, place, account }: Attempt): Promise<void> {
    await this.#attempts.giveBack(buckets, pair);
    await this.#attempts.remember(place, account);
  }

  #key(...parts: readonly string[]): string {
    return createHmac('sha256', this.#secret)
      .update(JSON.stringify(['login', ...parts]))
      .digest('base64url');
  }
}
