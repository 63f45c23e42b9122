/**
 * Connections: single ones for those who must never wait for others (the commit loop, the heartbeat) and a small
 * pool for reads. Each of them is to a server that can be written to, whichever of the hosts that is (servers.ts).
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { ConnectionOptions } from 'node:tls';
import pg from 'pg';
import { isConnectionError, isReadOnly, NoServer, sqlState, toChatError } from './failures.ts';
import { queryWithSettings } from './pooled-query.ts';
import { type HostPort, type Server, Servers } from './servers.ts';
import { LIFT_TIME_LIMITS, SERVER_STATE, type ServerState, SET_FOR_SESSION, SET_FOR_TRANSACTION } from './session.ts';

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

/** Connections to one server. */
interface ServerPool {
  readonly server: Server;
  readonly pool: pg.Pool;
}

export class Database {
  readonly #options: DatabaseOptions;
  readonly #servers: Servers<pg.Client>;
  #current: ServerPool | undefined;
  #password: string | undefined;
  /** The latest one that was seen: each promotion begins another. */
  #timeline = 0;
  #ending: Promise<void> | undefined;

  constructor(options: DatabaseOptions) {
    this.#options = options;
    this.#password = options.password;
    this.#servers = new Servers(options.hosts, server => this.#connectTo(server));
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
    const ask = (): Promise<R[]> => this.#use(client => this.queryOn<R>(client, text, values, name));
    try {
      return await ask().catch((error: unknown) => {
        if (!isReadOnly(error)) throw error;
        return ask(); // it has done nothing there, and another server may be the one now
      });
    } catch (error) {
      throw this.explain(error);
    }
  }

  /** A query on a connection of one's own (`connect`) that is in no transaction. Its errors are as they come. */
  async queryOn<R extends pg.QueryResultRow>(
    client: pg.ClientBase,
    text: string,
    values: readonly unknown[] = [],
    name?: string,
  ): Promise<R[]> {
    if (!this.usesNamedStatements) return queryWithSettings<R>(client, text, values, parserOf);
    return (await client.query<R>({ text, values: [...values], ...(name === undefined ? {} : { name }) })).rows;
  }

  /** Runs `work` in one transaction of a pooled connection. `begin` is one of those in session.ts. */
  async transaction<T>(begin: string, work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    return this.#use(async client => {
      try {
        await client.query(this.begin(begin));
        const result = await work(client);
        await client.query('commit');
        return result;
      } catch (error) {
        throw new InTransaction(error);
      }
    }).catch((error: unknown) => {
      throw this.explain(error instanceof InTransaction ? error.cause : error);
    });
  }

  /** How a transaction begins on a connection of one's own: with our settings, where they are not the connection's already. */
  begin(begin: string): string {
    return this.usesNamedStatements ? begin : `${begin}; ${SET_FOR_TRANSACTION}`;
  }

  /** What is wrong, as a ChatError where it is no bug. For those who have a connection of their own. */
  explain(error: unknown): unknown {
    return toChatError(error, this.#options);
  }

  /** A connection of one's own to a server that can be written to; the caller ends it. */
  async connect(): Promise<pg.Client> {
    try {
      return await this.#servers.connect();
    } catch (error) {
      throw this.explain(error);
    }
  }

  end(): Promise<void> {
    this.#ending ??= Promise.race([this.#current?.pool.end(), wait(2_000, undefined, { ref: false })]);
    return this.#ending;
  }

  async #use<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    const { client, server } = await this.#checkOut();
    let isBroken = false;
    try {
      return await work(client);
    } catch (error) {
      const cause = error instanceof InTransaction ? error.cause : error;
      // Within a transaction whatever failed leaves the connection in the middle of it.
      isBroken = error instanceof InTransaction || isConnectionError(cause);
      if (isConnectionError(cause)) this.#servers.forget(server);
      throw error;
    } finally {
      client.release(isBroken); // a broken one is closed, not used again
    }
  }

  /** A pooled connection to a server that can be written to. One search when it is not where it was. */
  async #checkOut(): Promise<{ readonly client: pg.PoolClient; readonly server: Server }> {
    const known = this.#servers.found;
    if (known !== undefined) {
      const pool = this.#poolOf(known);
      try {
        return { client: await pool.connect(), server: known };
      } catch (error) {
        const isFull = pool.totalCount >= this.#options.poolSize;
        if (isFull || !isConnectionError(error)) throw error;
        this.#servers.forget(known);
      }
    }
    const server = await this.#servers.find(client => void client.end().catch(() => undefined));
    return { client: await this.#poolOf(server).connect(), server };
  }

  /** Of the server that is used now. Those to another one are given up: nobody is to find out one by one that it is gone. */
  #poolOf(server: Server): pg.Pool {
    const current = this.#current;
    if (current?.server.address === server.address && current.server.port === server.port) return current.pool;
    void current?.pool.end().catch(() => undefined); // idle ones are ended, those in use when they come back
    const configure = (config?: string | pg.ClientConfig): pg.ClientConfig => ({
      ...(typeof config === 'object' ? config : {}),
      ...this.#clientConfig(server),
    });
    const pool = new pg.Pool({
      max: this.#options.poolSize,
      idleTimeoutMillis: 60_000,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      allowExitOnIdle: true,
      verify: (client, done) => void this.#check(client).then(() => done(), done),
      Client: class extends pg.Client {
        constructor(config?: string | pg.ClientConfig) {
          super(configure(config));
        }
      },
    });
    pool.on('error', () => undefined); // an idle connection was cut: the next query connects again
    // Of one that is in use node-pg tells the query, and an event beside it that would end the process if nobody listened.
    pool.on('connect', client => client.on('error', () => undefined));
    this.#current = { server, pool };
    return pool;
  }

  async #connectTo(server: Server): Promise<pg.Client> {
    const client = new pg.Client(this.#clientConfig(server));
    client.on('error', () => undefined); // told to whoever awaits a query; an idle one is noticed at its next query
    try {
      await client.connect();
      await this.#check(client);
      return client;
    } catch (error) {
      client.connection.stream.destroy();
      throw error;
    }
  }

  /**
   * With our settings, which no default of the server, the database or the role may change. Reads on a standby are a moment old, writes
   * are refused: nothing is done there. Nor on a former primary that has come back beside the one that was promoted: it does not know
   * what was said since.
   */
  async #check(client: pg.ClientBase): Promise<void> {
    if (this.usesNamedStatements) await setUp(client);
    const { rows } = await client.query<ServerState>(SERVER_STATE);
    const { timeline = null, isMaintained = false } = rows[0] ?? {};
    if (timeline === null) throw new NoServer('the server is a standby');
    if (isMaintained) throw new NoServer('the server is read-only for now (its default_transaction_read_only is on)');
    if (timeline < this.#timeline && this.#options.hosts.length > 1)
      throw new NoServer(`the server is a former primary (timeline ${timeline}, another host was on ${this.#timeline} already)`);
    this.#timeline = timeline;
  }

  #clientConfig(server: Server): pg.ClientConfig {
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

/** The very first statement may itself run into a time limit that is as short as can be: a few tries are enough to lift it. */
async function setUp(client: pg.ClientBase, triesLeft = 20): Promise<void> {
  try {
    await client.query(LIFT_TIME_LIMITS);
    await client.query(SET_FOR_SESSION);
  } catch (error) {
    if (sqlState(error) !== '57014' || triesLeft === 0) throw error;
    await setUp(client, triesLeft - 1);
  }
}

/** What failed inside of a transaction, as it is. */
class InTransaction extends Error {
  constructor(cause: unknown) {
    super('in a transaction', { cause });
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
