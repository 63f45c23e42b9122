/**
 * Connections: single ones for those who must never wait for others (the commit loop, the heartbeat) and a small
 * pool for reads. Each of them is to a server that can be written to, whichever of the hosts that is (servers.ts).
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { ConnectionOptions } from 'node:tls';
import pg from 'pg';
import { ChatError } from '../domain/error.ts';
import { type HostPort, NoServer, type Server, Servers } from './servers.ts';

export interface DatabaseOptions {
  readonly hosts: readonly HostPort[];
  readonly database: string;
  readonly user: string;
  readonly password: string | undefined;
  /** Behind a pooler in transaction mode no named statements are used. */
  readonly pooler: 'none' | 'transaction';
  readonly applicationName: string;
  readonly poolSize: number;
  /** How to speak TLS to the server of this name; undefined: not at all. A socket of this host needs none. */
  readonly tls?: ((host: string) => ConnectionOptions) | undefined;
}

const CONNECT_TIMEOUT_MS = 3_000;
/** Longer than the server's own statement_timeout: only a connection that hangs runs into it. */
const HANG_TIMEOUT_MS = 6_000;

export class Database {
  readonly #options: DatabaseOptions;
  readonly #servers: Servers<pg.Client>;
  readonly #pool: pg.Pool;
  #password: string | undefined;

  constructor(options: DatabaseOptions) {
    this.#options = options;
    this.#password = options.password;
    this.#servers = new Servers(options.hosts, server => this.#connectTo(server));
    const configure = (config?: string | pg.ClientConfig): pg.ClientConfig => ({
      ...(typeof config === 'object' ? config : {}),
      ...this.#clientConfig(this.#servers.found),
    });
    this.#pool = new pg.Pool({
      max: options.poolSize,
      idleTimeoutMillis: 60_000,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      allowExitOnIdle: true,
      verify: (client, done) => void refuseStandby(client).then(() => done(), done),
      Client: class extends pg.Client {
        constructor(config?: string | pg.ClientConfig) {
          super(configure(config));
        }
      },
    });
    this.#pool.on('error', () => undefined); // an idle connection was cut: the next query connects again
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
   * A query on the pool; one with a `name` is planned once for each connection. Throws ChatError `unavailable` when no server can be
   * reached that can be written to.
   */
  async query<R extends pg.QueryResultRow>(text: string, values: readonly unknown[] = [], name?: string): Promise<R[]> {
    const isNamed = name !== undefined && this.usesNamedStatements;
    const query = { text, values: [...values], ...(isNamed ? { name } : {}) };
    try {
      return (await this.#use(client => client.query<R>(query))).rows;
    } catch (error) {
      // It has done nothing there, and another server may be the one now.
      if (!isReadOnly(error)) throw unavailableIfLost(error);
    }
    return (
      await this.#use(client => client.query<R>(query)).catch((error: unknown) => {
        throw unavailableIfLost(error);
      })
    ).rows;
  }

  /** Runs `work` in one transaction of a pooled connection. */
  async transaction<T>(begin: string, work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    return this.#use(async client => {
      try {
        await client.query(begin);
        const result = await work(client);
        await client.query('commit');
        return result;
      } catch (error) {
        throw new InTransaction(error);
      }
    }).catch((error: unknown) => {
      throw error instanceof InTransaction ? error.cause : unavailableIfLost(error);
    });
  }

  /** A connection of one's own to a server that can be written to; the caller ends it. */
  async connect(): Promise<pg.Client> {
    try {
      return await this.#servers.connect();
    } catch (error) {
      throw unavailableIfLost(error);
    }
  }

  async end(): Promise<void> {
    await Promise.race([this.#pool.end(), wait(2_000, undefined, { ref: false })]);
  }

  async #use<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    const client = await this.#checkOut();
    const server = this.#servers.found;
    let broken: boolean | Error = false;
    try {
      return await work(client);
    } catch (error) {
      const cause = error instanceof InTransaction ? error.cause : error;
      // Within a transaction whatever failed leaves the connection in the middle of it.
      if (error instanceof InTransaction || isConnectionError(cause)) broken = true;
      if (isConnectionError(cause)) this.#servers.forget(server);
      throw error;
    } finally {
      client.release(broken); // a broken one is closed, not used again
    }
  }

  /** A pooled connection to a server that can be written to. One search when it is not where it was. */
  async #checkOut(): Promise<pg.PoolClient> {
    const server = this.#servers.found;
    if (server !== undefined) {
      try {
        return await this.#pool.connect();
      } catch (error) {
        const isFull = this.#pool.totalCount >= this.#options.poolSize;
        if (isFull || !isConnectionError(error)) throw error;
        this.#servers.forget(server);
      }
    }
    await this.#servers.find(client => void client.end().catch(() => undefined));
    return this.#pool.connect();
  }

  async #connectTo(server: Server): Promise<pg.Client> {
    const client = new pg.Client(this.#clientConfig(server));
    client.on('error', () => undefined); // told to whoever awaits a query; an idle one is noticed at its next query
    try {
      await client.connect();
      await refuseStandby(client);
      return client;
    } catch (error) {
      client.connection.stream.destroy();
      throw error;
    }
  }

  #clientConfig(server: Server | undefined): pg.ClientConfig {
    if (server === undefined) throw new NoServer('no server is known');
    const { database, user, pooler, applicationName, tls } = this.#options;
    return {
      host: server.address,
      port: server.port,
      database,
      user,
      ...(this.#password === undefined ? {} : { password: this.#password }),
      ...(pooler === 'none' ? { application_name: applicationName } : {}),
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: HANG_TIMEOUT_MS,
      keepAlive: true,
      keepAliveInitialDelayMillis: 5_000,
      ssl: tls === undefined || server.address.startsWith('/') ? false : tls(server.host),
      types,
    };
  }
}

/** What failed inside of a transaction, as it is. */
class InTransaction extends Error {
  constructor(cause: unknown) {
    super('in a transaction', { cause });
  }
}

/** Reads on a standby are a moment old, writes are refused: nothing is done there. */
async function refuseStandby(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ standby: boolean }>('select pg_is_in_recovery() as standby');
  if (rows[0]?.standby === true) throw new NoServer('the server is a standby');
}

function unavailableIfLost(error: unknown): unknown {
  if (!isConnectionError(error)) return error;
  const why = error instanceof NoServer ? `PostgreSQL cannot be reached: ${error.message}` : 'the database cannot be reached';
  return new ChatError('unavailable', 'server-not-ready', why, { cause: error });
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

/** As Node names what is wrong with a certificate or a handshake. */
const TLS_FAULT = /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH)/;

/** The server is a standby (also one that was the primary a moment ago): read-only, or a question that cannot be asked in recovery. */
function isReadOnly(error: unknown): boolean {
  return /^(25006|55000)$/.test(sqlState(error));
}

/**
 * The server went away, cannot be written to or refuses everybody: class 08, 57P0x, too many connections, a socket's error, a
 * certificate that is not the right one, a time-out of node-pg.
 */
export function isConnectionError(error: unknown): boolean {
  if (error instanceof NoServer || isReadOnly(error)) return true;
  if (!(error instanceof Error)) return false;
  const code = sqlState(error);
  if (/^(08...|57P0[1-5]|53300)$/.test(code) || /^E[A-Z]+$/.test(code) || TLS_FAULT.test(code)) return true;
  return code === '' && /terminated|not queryable|timeout|connection|closed|Connection/.test(error.message);
}
