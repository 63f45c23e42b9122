/**
 * Operators' logins. A token is random, its hash is stored, it works on every node and slides its expiry while in use.
 * Look-ups are batched and cached; the end of a login is a change that drops it on every node.
 */
import { createHash, randomBytes } from 'node:crypto';
import { ChatError } from '../domain/error.ts';
import type { Operator } from '../domain/operator.ts';
import type { Clock, Metrics, OperatorLogins as Store } from '../ports.ts';
import type { AppliedChange, Replica } from '../sync/replica.ts';
import { ExpiringMap } from './expiring-map.ts';
import { checkPassword, hashPassword } from './passwords.ts';

const MAX_CACHED = 20_000;
const CACHE_MS = 60_000;
/** Failed logins per login name and address, until they are forgotten. */
const MAX_FAILURES = 5;
const FAILURES_FORGOTTEN_MS = 60_000;
/** Password checks at once: each takes a core for ~50 ms, more would only make all of them slow. */
const MAX_CHECKING = 4;
const MAX_WAITING = 200;

export interface Login {
  readonly operator: Operator;
  readonly tokenHash: string;
}

export interface OperatorLoginsOptions {
  readonly store: Store;
  readonly replica: Replica;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly ttlSeconds: number;
  /** Reads the log: an operator may have been added a moment ago, by another process. */
  readonly catchUp: () => Promise<void>;
}

export class OperatorLogins {
  readonly #options: OperatorLoginsOptions;
  readonly #cache: ExpiringMap<string, { readonly operatorId: number; readonly tokenHash: string }>;
  readonly #failures: ExpiringMap<string, number>;
  readonly #waiting: (() => void)[] = [];
  #checking = 0;

  constructor(options: OperatorLoginsOptions) {
    this.#options = options;
    this.#cache = new ExpiringMap(options.clock, MAX_CACHED);
    this.#failures = new ExpiringMap(options.clock, MAX_CACHED);
    options.metrics.gauge('operator_logins_cached', 'Logins of operators in memory (at most 20000)', () => this.#cache.size);
    options.replica.listen({
      applied: ({ change }: AppliedChange) => {
        if (change.type !== 'operator-sessions-ended') return;
        if (change.tokenHash === null) this.#cache.deleteWhere(login => login.operatorId === change.operatorId);
        else this.#cache.delete(change.tokenHash);
      },
      committed: () => undefined,
      reloaded: () => this.#cache.clear(), // rows may be gone with an older database
    });
  }

  /** Errors: `wrong-credentials`, `operator-disabled`, `too-many-attempts`. The expiry is in seconds from now. */
  async login(
    login: string,
    password: string,
    address: string,
  ): Promise<{ readonly token: string; readonly expiresInSeconds: number; readonly operator: Operator }> {
    const { store, ttlSeconds } = this.#options;
    const found = await this.#verify(login, password, address);
    if (found === undefined) throw wrongCredentials();
    const operator = await this.#operator(found.operatorId);
    const token = randomBytes(32).toString('base64url');
    if (!(await store.createSession(found, hashToken(token), ttlSeconds))) throw wrongCredentials();
    return { token, expiresInSeconds: ttlSeconds, operator };
  }

  /**
   * For whoever knows his old password, counted as a login is. Returns the token hashes of his other logins: they must end.
   * Errors: `wrong-credentials` as `forbidden`, for this login goes on; `too-many-attempts`.
   */
  async changePassword(login: Login, oldPassword: string, newPassword: string, address: string): Promise<readonly string[]> {
    const { store } = this.#options;
    const { operator, tokenHash } = login;
    const found = await this.#verify(operator.login, oldPassword, address);
    const isChanged =
      found?.operatorId === operator.id && (await store.replacePassword(operator.id, found.passwordHash, await hashPassword(newPassword)));
    if (!isChanged) throw new ChatError('forbidden', 'wrong-credentials', 'the old password is wrong');
    return (await store.sessionsOf(operator.id)).filter(other => other !== tokenHash);
  }

  /** Throws `unauthorized`, or `operator-disabled`. */
  async authenticate(token: string | undefined): Promise<Login> {
    if (token === undefined || token === '') throw unauthorized();
    const tokenHash = hashToken(token);
    const cached = this.#cache.get(tokenHash);
    if (cached !== undefined) return { operator: await this.#operator(cached.operatorId), tokenHash };
    const found = await this.#options.store.findSession(tokenHash, this.#options.ttlSeconds);
    if (found === undefined) throw unauthorized();
    this.#cache.set(tokenHash, { operatorId: found.operatorId, tokenHash }, Math.min(CACHE_MS, found.expiresInMs));
    return { operator: await this.#operator(found.operatorId), tokenHash };
  }

  /** undefined: there is no such login, or the password is wrong; which is counted. */
  async #verify(login: string, password: string, address: string): Promise<{ operatorId: number; passwordHash: string } | undefined> {
    const attempt = `${address} ${login}`;
    if ((this.#failures.get(attempt) ?? 0) >= MAX_FAILURES) {
      throw new ChatError('rate-limited', 'too-many-attempts', 'too many failed logins, try again later', {
        retryAfterMs: FAILURES_FORGOTTEN_MS,
      });
    }
    const found = await this.#options.store.findByLogin(login);
    if (!(await this.#check(password, found?.passwordHash)) || found === undefined) {
      this.#failures.set(attempt, (this.#failures.get(attempt) ?? 0) + 1, FAILURES_FORGOTTEN_MS); // others may have failed meanwhile
      return undefined;
    }
    this.#failures.delete(attempt);
    return found;
  }

  async #operator(operatorId: number): Promise<Operator> {
    const { operators } = this.#options.replica;
    if (!operators.has(operatorId)) await this.#options.catchUp();
    const operator = operators.get(operatorId);
    if (operator === undefined) throw new ChatError('unavailable', 'server-not-ready', 'this operator is not known here yet');
    if (operator.disabled) throw new ChatError('forbidden', 'operator-disabled', 'this operator is disabled');
    return operator;
  }

  async #check(password: string, hash: string | undefined): Promise<boolean> {
    if (this.#checking >= MAX_CHECKING) {
      if (this.#waiting.length >= MAX_WAITING) throw new ChatError('unavailable', 'server-not-ready', 'too many logins at once');
      await new Promise<void>(resolve => this.#waiting.push(resolve));
    }
    this.#checking += 1;
    try {
      return await checkPassword(password, hash);
    } finally {
      this.#checking -= 1;
      this.#waiting.shift()?.();
    }
  }
}

function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function wrongCredentials(): ChatError {
  return new ChatError('unauthenticated', 'wrong-credentials', 'login or password is wrong');
}

function unauthorized(): ChatError {
  return new ChatError('unauthenticated', 'unauthorized', 'log in first');
}
