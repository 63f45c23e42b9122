/**
 * Operators' logins. A token is random, its hash is stored, it works on every node and slides its expiry while in use.
 * Look-ups are batched and cached; the end of a login is a change that drops it on every node.
 */
import { createHash, randomBytes } from 'node:crypto';
import { ChatError } from '../../domain/error.ts';
import { foldLogin, type Operator } from '../../domain/operator.ts';
import type { Clock, LabelledCounter, Log, LoginAttempts, Metrics, OperatorLogins as Store } from '../../ports/index.ts';
import { addressKey } from '../../protocol/address.ts';
import type { AppliedChange, Replica } from '../../sync/replica.ts';
import { ExpiringMap } from '../expiring-map.ts';
import { LatestEnds } from '../latest-ends.ts';
import { LoginGuard } from './login-guard.ts';
import { checkPassword, hashPassword } from './passwords.ts';

const MAX_CACHED = 20_000;
const CACHE_MS = 60_000;
/** Refused attempts are written down once per address in this time; the metric counts all. */
const SAID_MS = 10_000;
const MAX_SAID = 1_000;

export interface Login {
  readonly operator: Operator;
  readonly tokenHash: string;
}

export interface OperatorLoginsOptions {
  readonly store: Store;
  readonly attempts: LoginAttempts;
  /** The installation's. */
  readonly secret: string;
  readonly log: Log;
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
  readonly #ends = new LatestEnds<{ readonly operatorId: number; readonly tokenHash: string | null }>();
  readonly #guard: LoginGuard;
  readonly #outcomes: LabelledCounter;
  /** Addresses of which it was said that they are refused. */
  readonly #said: ExpiringMap<string, true>;

  constructor(options: OperatorLoginsOptions) {
    this.#options = options;
    this.#cache = new ExpiringMap(options.clock, MAX_CACHED);
    this.#said = new ExpiringMap(options.clock, MAX_SAID);
    this.#guard = new LoginGuard(options);
    this.#outcomes = options.metrics.labelled(
      'logins_total',
      'Passwords given by operators, at log-in and to change them: ok, wrong, disabled, locked (too many were wrong), busy (too many waited)',
      'outcome',
    );
    options.metrics.gauge('operator_logins_cached', 'Logins of operators in memory (at most 20000)', () => this.#cache.size);
    options.replica.listen({
      applied: ({ change }: AppliedChange) => {
        if (change.type !== 'operator-sessions-ended') return;
        this.#ends.heard(change);
        if (change.tokenHash === null) this.#cache.deleteWhere(login => login.operatorId === change.operatorId);
        else this.#cache.delete(change.tokenHash);
      },
      reloaded: () => {
        this.#ends.heardAll();
        this.#cache.clear(); // rows may be gone with an older database
        this.#warnOfDoubles();
      },
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
    const operator = await this.#operator(found.operatorId).catch((error: unknown) => {
      if (error instanceof ChatError && error.reason === 'operator-disabled') {
        this.#outcomes.inc('disabled');
        this.#options.log.info('login-failed', { address, operatorId: found.operatorId, why: 'disabled' });
      }
      throw error;
    });
    const token = randomBytes(32).toString('base64url');
    if (!(await store.createSession(found, hashToken(token), ttlSeconds))) throw wrongCredentials();
    this.#outcomes.inc('ok');
    this.#options.log.info('login', { address, operatorId: operator.id });
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
    this.#outcomes.inc('ok');
    this.#options.log.info('password-changed', { address, operatorId: operator.id });
    return (await store.sessionsOf(operator.id)).filter(other => other !== tokenHash);
  }

  /** Throws `unauthorized`, or `operator-disabled`. */
  async authenticate(token: string | undefined): Promise<Login> {
    if (token === undefined || token === '') throw unauthorized();
    return this.#find(hashToken(token));
  }

  /** The same login, if it lives still, with the rights of this moment. Asked after every wait that an end may fall into. Throws as `authenticate`. */
  again({ tokenHash }: Login): Promise<Login> {
    return this.#find(tokenHash);
  }

  /** Asked again when it has ended while it was looked up. */
  async #find(tokenHash: string): Promise<Login> {
    const before = this.#ends.count;
    const operatorId = this.#cache.get(tokenHash)?.operatorId ?? (await this.#lookUp(tokenHash));
    const operator = await this.#operator(operatorId);
    const hasEnded = this.#ends.hasEndedSince(
      before,
      end => end.operatorId === operatorId && (end.tokenHash === null || end.tokenHash === tokenHash),
    );
    return hasEnded ? this.#find(tokenHash) : { operator, tokenHash };
  }

  async #lookUp(tokenHash: string): Promise<number> {
    const before = this.#ends.count;
    const found = await this.#options.store.findSession(tokenHash, this.#options.ttlSeconds);
    if (found === undefined) throw unauthorized();
    const { operatorId, expiresInMs } = found;
    // Which ends concern it is asked by whoever asked for it: here none may have come, for the cache believes it for long.
    if (!this.#ends.hasEndedSince(before, end => end.operatorId === operatorId))
      this.#cache.set(tokenHash, { operatorId, tokenHash }, Math.min(CACHE_MS, expiresInMs));
    return operatorId;
  }

  /**
   * undefined: there is no such login, or the password is wrong; which is counted. What was typed as a login is written down nowhere,
   * for people type their passwords there: a line of the log names the operator whose login it is, or nobody.
   */
  async #verify(login: string, password: string, address: string): Promise<{ operatorId: number; passwordHash: string } | undefined> {
    const { store, log } = this.#options;
    let operatorId: number | undefined;
    try {
      return await this.#guard.inTurn(foldLogin(login), address, async attempt => {
        const found = await store.findByLogin(login);
        operatorId = found?.operatorId;
        await this.#guard.reserve(attempt);
        if ((await checkPassword(password, found?.passwordHash)) && found !== undefined) {
          await this.#guard.giveBack(attempt);
          return found;
        }
        this.#outcomes.inc('wrong');
        log.info('login-failed', { address, operatorId });
        return undefined;
      });
    } catch (error) {
      if (error instanceof ChatError && (error.code === 'rate-limited' || error.code === 'unavailable'))
        this.#outcomes.inc(error.code === 'rate-limited' ? 'locked' : 'busy');
      if (error instanceof ChatError && error.code === 'rate-limited' && this.#said.get(addressKey(address)) === undefined) {
        this.#said.set(addressKey(address), true, SAID_MS);
        log.warn('login-locked', { address, operatorId, retryAfterMs: error.details.retryAfterMs });
      }
      throw error;
    }
  }

  /** Of an earlier version, which took them for different ones. */
  #warnOfDoubles(): void {
    const byLogin = new Map<string, string[]>();
    for (const { login } of this.#options.replica.operators.values())
      byLogin.set(foldLogin(login), [...(byLogin.get(foldLogin(login)) ?? []), login]);
    const logins = [...byLogin.values()].filter(same => same.length > 1).flat();
    if (logins.length > 0) this.#options.log.warn('logins-differ-by-case', { logins: logins.slice(0, 100) });
  }

  async #operator(operatorId: number): Promise<Operator> {
    const { operators } = this.#options.replica;
    if (!operators.has(operatorId)) await this.#options.catchUp();
    const operator = operators.get(operatorId);
    if (operator === undefined) throw new ChatError('unavailable', 'server-not-ready', 'this operator is not known here yet');
    if (operator.disabled) throw new ChatError('forbidden', 'operator-disabled', 'this operator is disabled');
    return operator;
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
