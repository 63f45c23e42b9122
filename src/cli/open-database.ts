/** Opens the database that the configuration names, or the embedded one. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Config } from '../config/config.ts';
import { ChatError } from '../domain/error.ts';
import { Database, sqlState } from '../postgres/database.ts';
import { type EmbeddedPostgres, openEmbedded } from '../postgres/embedded.ts';
import { tlsOf } from '../tls.ts';
import { ServiceError } from './exit.ts';

const POOL_SIZE = 5;

export interface OpenedDatabase {
  readonly database: Database;
  readonly embedded: EmbeddedPostgres | undefined;
  close(): Promise<void>;
}

export interface Waiting {
  /** Called each time the database could not be reached and will be tried again. */
  readonly waiting: (reason: string) => void;
  readonly signal: AbortSignal;
}

/** Waits for the database until it is there, or undefined when `signal` is aborted first. */
export function openDatabase(config: Config, wanted: Waiting): Promise<OpenedDatabase | undefined>;
/** A database that cannot be reached is an error. */
export function openDatabase(config: Config): Promise<OpenedDatabase>;
export async function openDatabase(config: Config, wanted?: Waiting): Promise<OpenedDatabase | undefined> {
  const embedded = config.db === undefined ? await openEmbedded(config.dataDir).catch(toServiceError) : undefined;
  const database =
    config.db === undefined
      ? new Database({ ...embeddedTarget(embedded), pooler: 'none', applicationName: config.node.name, poolSize: POOL_SIZE })
      : new Database({
          hosts: config.db.hosts,
          database: config.db.name,
          user: config.db.username,
          password: config.db.password?.reveal(),
          pooler: config.db.pooler,
          applicationName: config.node.name,
          poolSize: POOL_SIZE,
          tls: tlsOf(config.db.tls),
        });
  const close = async (): Promise<void> => {
    await database.end();
    await embedded?.stop();
  };
  for (let delayMs = 200; ; delayMs = Math.min(delayMs * 2, 5_000)) {
    if (wanted?.signal.aborted === true) {
      await close();
      return undefined;
    }
    try {
      await database.query('select 1');
      break;
    } catch (error) {
      const refusal = refusalOf(config, error);
      if (refusal !== undefined || wanted === undefined || !(error instanceof ChatError)) {
        await close();
        throw refusal ?? error;
      }
      wanted.waiting(causeText(error));
      await wait(delayMs, undefined, { signal: wanted.signal }).catch(() => undefined);
    }
  }
  return { database, embedded, close };
}

/** The server of migrations and LISTEN: behind a pooler the database itself. The caller ends it. */
export function directDatabase(config: Config, database: Database): Database {
  if (config.db?.direct === undefined) return database;
  return new Database({
    hosts: [config.db.direct],
    database: config.db.name,
    user: config.db.username,
    password: config.db.password?.reveal(),
    pooler: 'none',
    applicationName: config.node.name,
    poolSize: 1,
    tls: tlsOf(config.db.tls),
  });
}

function embeddedTarget(embedded: EmbeddedPostgres | undefined) {
  if (embedded === undefined) throw new Error('neither db_host nor an embedded database');
  const { host, port, user, password, database } = embedded;
  return { hosts: [{ host, port }], user, password, database };
}

/** The server answers, but trying again will not help. */
function refusalOf(config: Config, error: unknown): ServiceError | undefined {
  const state = sqlState(error);
  const place = `${config.db?.hosts.map(({ host, port }) => `${host}:${port}`).join(', ') ?? ''}, database '${config.db?.name ?? ''}', user '${config.db?.username ?? ''}'`;
  if (/^28/.test(state))
    return new ServiceError(`PostgreSQL (${place}) refuses the login: check db_username and db_password`, { cause: error });
  if (state === '3D000')
    return new ServiceError(`PostgreSQL (${place}): the database does not exist: create it, or check db_name`, { cause: error });
  return undefined;
}

function causeText(error: ChatError): string {
  const { cause } = error;
  return cause instanceof Error && cause.message !== '' ? cause.message : error.message;
}

function toServiceError(error: unknown): never {
  throw new ServiceError(error instanceof Error ? error.message : String(error), { cause: error });
}
