/**
 * Connections: single ones for those who must never wait for others (the commit loop, the heartbeat) and a small
 * pool for reads. One or several hosts: a host that refuses, or is a standby, is passed over for the next.
 */
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { ChatError } from '../domain/error.ts';

export interface DatabaseOptions {
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly database: string;
  readonly user: string;
  readonly password: string | undefined;
  /** Behind a pooler in transaction mode no named statements are used. */
  readonly pooler: 'none' | 'transaction';
  readonly applicationName: string;
  readonly poolSize: number;
}

const CONNECT_TIMEOUT_MS = 3_000;
/** Longer than the server's own statement_timeout: only a connection that hangs runs into it. */
const HANG_TIMEOUT_MS = 6_000;

export class Database {
  readonly #options: DatabaseOptions;
  readonly #pool: pg.Pool;
  #host = 0;
  #password: string | undefined;

  constructor(options: DatabaseOptions) {
    this.#options = options;
    this.#password = options.password;
    const configure = (config?: string | pg.ClientConfig): pg.ClientConfig => ({
      ...(typeof config === 'object' ? config : {}),
      ...this.#clientConfig(),
    });
    this.#pool = new pg.Pool({
      max: options.poolSize,
      idleTimeoutMillis: 60_000,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      allowExitOnIdle: true,
      Client: class extends pg.Client {
        constructor(config?: string | pg.ClientConfig) {
          super(configure(config));
        }
      },
    });
    this.#pool.on('error', () => this.#nextHost()); // an idle connection was cut: the next query connects again
  }

  /** Further connections to the same servers, apart from these: who takes long there holds up nobody here. The caller ends it. */
  withPool(poolSize: number): Database {
    return new Database({ ...this.#options, password: this.#password, poolSize });
  }

  /** For connections from now on. */
  setPassword(password: string | undefined): void {
    this.#password = password;
  }

  get usesNamedStatements(): boolean {
    return this.#options.pooler === 'none';
  }

  /**
   * A query on the pool; one with a `name` is planned once for each connection. Throws ChatError `unavailable` when the
   * database cannot be reached.
   */
  async query<R extends pg.QueryResultRow>(text: string, values: readonly unknown[] = [], name?: string): Promise<R[]> {
    const isNamed = name !== undefined && this.usesNamedStatements;
    try {
      const result = await this.#pool.query<R>({ text, values: [...values], ...(isNamed ? { name } : {}) });
      return result.rows;
    } catch (error) {
      if (!isConnectionError(error)) throw error;
      this.#nextHost();
      throw new ChatError('unavailable', 'server-not-ready', 'the database cannot be reached', { cause: error });
    }
  }

  /** Runs `work` in one transaction of a pooled connection. */
  async transaction<T>(begin: string, work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    let client: pg.PoolClient;
    try {
      client = await this.#pool.connect();
    } catch (error) {
      this.#nextHost();
      throw new ChatError('unavailable', 'server-not-ready', 'the database cannot be reached', { cause: error });
    }
    let failure: Error | undefined;
    try {
      await client.query(begin);
      const result = await work(client);
      await client.query('commit');
      return result;
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
      throw failure;
    } finally {
      client.release(failure); // a failed connection is closed, not reused
    }
  }

  /** A connection of one's own to a writable server; the caller ends it. */
  async connect(): Promise<pg.Client> {
    let lastError: unknown;
    for (let i = 0; i < this.#options.hosts.length; i++) {
      const client = new pg.Client(this.#clientConfig());
      client.on('error', () => undefined); // told to whoever awaits a query; an idle one is noticed at its next query
      try {
        await client.connect();
        const { rows } = await client.query<{ standby: boolean }>('select pg_is_in_recovery() as standby');
        if (rows[0]?.standby !== true) return client;
        lastError = new Error('the server is a standby');
      } catch (error) {
        lastError = error;
      }
      client.connection.stream.destroy();
      this.#nextHost();
    }
    throw new ChatError('unavailable', 'server-not-ready', `PostgreSQL cannot be reached: ${errorText(lastError)}`, { cause: lastError });
  }

  async end(): Promise<void> {
    await Promise.race([this.#pool.end(), wait(2_000, undefined, { ref: false })]);
  }

  #nextHost(): void {
    this.#host = (this.#host + 1) % this.#options.hosts.length;
  }

  #clientConfig(): pg.ClientConfig {
    const target = this.#options.hosts[this.#host];
    if (target === undefined) throw new Error('no database host is configured');
    return {
      host: target.host,
      port: target.port,
      database: this.#options.database,
      user: this.#options.user,
      ...(this.#password === undefined ? {} : { password: this.#password }),
      ...(this.#options.pooler === 'none' ? { application_name: this.#options.applicationName } : {}),
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: HANG_TIMEOUT_MS,
      keepAlive: true,
      keepAliveInitialDelayMillis: 5_000,
      types,
    };
  }
}

/** The type bigint in PostgreSQL's catalogue. */
const INT8 = '20';

const parserOfOthers = pg.types.getTypeParser as (typeOid: number, format?: string) => (text: string) => unknown;

/** bigint is read as a number: every bigint of the schema is below 2^53. */
export function parserOf(typeOid: number, format?: string): (text: string) => unknown {
  return String(typeOid) === INT8 ? Number : parserOfOthers(typeOid, format);
}

const types: pg.CustomTypesConfig = { getTypeParser: parserOf as typeof pg.types.getTypeParser };

/** SQLSTATE of a server's error, else the code of a socket's. */
export function sqlState(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** The server went away or refuses everybody: class 08, 57P0x, too many connections, a socket's error, a time-out of node-pg. */
export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = sqlState(error);
  if (/^(08...|57P0[1-5]|53300|25006)$/.test(code) || /^E[A-Z]+$/.test(code)) return true;
  return code === '' && /terminated|not queryable|timeout|connection|closed|Connection/.test(error.message);
}

function errorText(error: unknown): string {
  return error instanceof AggregateError && error.message === '' ? sqlState(error) : error instanceof Error ? error.message : String(error);
}
