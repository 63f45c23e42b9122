/**
 * Opens the database that the configuration names, or the embedded one: for the node and for every command, so that all of them find it in
 * the same way, wherever it is just now. What is there is looked at (fitness.ts) before anybody uses it.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Config } from '../config/config.ts';
import { Database, type DatabaseOptions } from '../postgres/database.ts';
import { type EmbeddedPostgres, openEmbedded } from '../postgres/embedded.ts';
import { troubleOf } from '../postgres/failures.ts';
import { checkFitness } from '../postgres/fitness.ts';
import { tlsOf } from '../config/tls-options.ts';
import { ServiceError } from './exit.ts';

const POOL_SIZE = 5;
/** A command that comes in the middle of a switch-over waits so long for the next primary. */
const SWITCH_OVER_MS = 10_000;

export interface OpenedDatabase {
  readonly database: Database;
  /** The server of migrations and LISTEN: behind a pooler the database itself. */
  readonly direct: Database;
  readonly embedded: EmbeddedPostgres | undefined;
  /** What was found, in a few words. */
  readonly found: string;
  close(): Promise<void>;
}

export interface Waiting {
  /** Called each time the database could not be reached and will be tried again. */
  readonly waiting: (reason: string) => void;
  readonly signal: AbortSignal;
}

/** Waits for the database until it is there, or undefined when `signal` is aborted first. */
export function openDatabase(config: Config, wanted: Waiting): Promise<OpenedDatabase | undefined>;
/** A database that cannot be reached is an error; one whose next primary is about to come is waited for a moment. */
export function openDatabase(config: Config): Promise<OpenedDatabase>;
export async function openDatabase(config: Config, wanted?: Waiting): Promise<OpenedDatabase | undefined> {
  const embedded = config.db === undefined ? await openEmbedded(config.dataDir).catch(toServiceError) : undefined;
  const database = new Database(embedded === undefined ? optionsOf(config) : embeddedTarget(config, embedded));
  const direct =
    config.db === undefined || config.db.direct.length === 0 ? database : new Database(directOptions(config, config.db.direct));
  const close = async (): Promise<void> => {
    await Promise.all([...new Set([database, direct])].map(one => one.end()));
    await embedded?.stop();
  };
  const giveUpMs = performance.now() + SWITCH_OVER_MS;
  for (let delayMs = 200; ; delayMs = Math.min(delayMs * 2, wanted === undefined ? 500 : 5_000)) {
    if (wanted?.signal.aborted === true) {
      await close();
      return undefined;
    }
    try {
      const found = await checkFitness(database);
      if (direct !== database) await checkFitness(direct);
      return { database, direct, embedded, found, close };
    } catch (error) {
      const trouble = troubleOf(error);
      const isPassing = trouble !== undefined && !trouble.isRefusal;
      if (!isPassing || (wanted === undefined && !(trouble.mayComeSoon && performance.now() < giveUpMs))) {
        await close();
        throw error;
      }
      wanted?.waiting(trouble.message);
      await wait(delayMs, undefined, wanted === undefined ? {} : { signal: wanted.signal }).catch(() => undefined);
    }
  }
}

function optionsOf({ db, node }: Config): DatabaseOptions {
  if (db === undefined) throw new Error('neither db_host nor an embedded database');
  return {
    hosts: db.hosts,
    database: db.name,
    user: db.username,
    password: db.password?.reveal(),
    pooler: db.pooler,
    applicationName: node.name,
    poolSize: POOL_SIZE,
    tls: tlsOf(db.tls),
  };
}

function directOptions(config: Config, hosts: DatabaseOptions['hosts']): DatabaseOptions {
  return { ...optionsOf(config), hosts, pooler: 'none', poolSize: 1 };
}

function embeddedTarget({ node }: Config, { host, port, user, password, database }: EmbeddedPostgres): DatabaseOptions {
  return { hosts: [{ host, port }], user, password, database, pooler: 'none', applicationName: node.name, poolSize: POOL_SIZE };
}

function toServiceError(error: unknown): never {
  throw new ServiceError(error instanceof Error ? error.message : String(error), { cause: error });
}
