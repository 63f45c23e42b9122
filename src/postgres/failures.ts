/**
 * What an error of PostgreSQL, of a socket or of node-pg means: the server is away for now, it refuses what only an administrator can put
 * right, or it cannot store this. Database turns them into ChatErrors here. Clients read those; the words for the administrator, which
 * name hosts and users, stand in the cause.
 */
import { ChatError } from '../domain/error.ts';

/** No server can be written to. The message says of each what is wrong. */
export class NoServer extends Error {
  override readonly name = 'NoServer';
  /** One of them answers and may be the one soon: a standby before it is promoted, one that starts or is maintained. */
  readonly mayComeSoon: boolean;

  constructor(message: string, { cause, mayComeSoon = true }: { readonly cause?: unknown; readonly mayComeSoon?: boolean } = {}) {
    super(message, { cause });
    this.mayComeSoon = mayComeSoon;
  }
}

/** Why there is no database, for the administrator. Always the cause of a ChatError `unavailable`. */
export class DatabaseTrouble extends Error {
  override readonly name = 'DatabaseTrouble';
  /** Trying again will not help: a command, and a node that starts, end with 78. */
  readonly isRefusal: boolean;
  readonly mayComeSoon: boolean;

  constructor(message: string, cause: unknown) {
    super(message, { cause });
    this.isRefusal = isRefusal(cause);
    this.mayComeSoon = cause instanceof NoServer && cause.mayComeSoon;
  }
}

/** Where the database is said to be, and who wants to enter it. */
export interface Target {
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly database: string;
  readonly user: string;
}

/** What callers may show or try again as a ChatError, anything else as it is. */
export function toChatError(error: unknown, target: Target): unknown {
  if (/^(22021|22P05)$/.test(sqlState(error)))
    return new ChatError('invalid', 'wrong-argument-value', 'it holds a character that cannot be stored', { cause: error });
  if (!isRefusal(error) && !isConnectionError(error)) return error;
  return new ChatError('unavailable', 'server-not-ready', 'the database cannot be reached', {
    cause: new DatabaseTrouble(wordsOf(error, target), error),
  });
}

/** Of an error that toChatError has made; undefined: it is none. */
export function troubleOf(error: unknown): DatabaseTrouble | undefined {
  return error instanceof ChatError && error.cause instanceof DatabaseTrouble ? error.cause : undefined;
}

function wordsOf(error: unknown, target: Target): string {
  if (error instanceof NoServer) return `PostgreSQL cannot be reached: ${error.message}`;
  const hosts = target.hosts.map(({ host, port }) => `${host}:${port}`).join(', ');
  const place = `PostgreSQL (${hosts}, database '${target.database}', user '${target.user}')`;
  return isRefusal(error) ? `${place} refuses: ${textOf(error)}${hint(error, target)}` : `${place} cannot be reached: ${textOf(error)}`;
}

/** What to do about a refusal; the server's own sentence stands in front of it. */
function hint(error: unknown, { database, user }: Target): string {
  const state = sqlState(error);
  if (state === '3D000') return `: create it, or check db_name: ${createDatabase(database, user)}`;
  if (state === '28000') return ': check db_username, db_tls, and the lines of pg_hba.conf';
  if (state.startsWith('28')) return ': check db_username and db_password';
  if (state === '42501' && textOf(error).includes('for schema'))
    return `: the user must be allowed to make tables: alter database "${database}" owner to "${user}"; or: grant usage, create on schema public to "${user}"`;
  if (state === '42501') return ': the user needs this right: its tables must be its own';
  return ': it wants a password: check db_password';
}

/** The command that makes a database which can be used, whatever the server's own locale is. */
export function createDatabase(name: string, owner: string): string {
  return `createdb --owner ${owner} --encoding UTF8 --locale C --template template0 ${name}`;
}

export function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof AggregateError && error.message === '') return 'code' in error ? String(error.code) : 'no answer';
  return LOST.test(error.message) ? 'the connection was lost' : error.message;
}

/** node-pg's words for it. */
const LOST = /^(?:Connection terminated|Client has encountered a connection error|Client was closed)/;

/** SQLSTATE of a server's error, else the code of a socket's. */
export function sqlState(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** The server answers and says no: the login (class 28), no such database, a right that is missing; or node-pg has no password to show. */
export function isRefusal(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== '') return /^(28...|3D000|42501)$/.test(state);
  return error instanceof Error && /^SASL: |authenticationOk message type/.test(error.message);
}

/** As Node names what is wrong with a certificate or a handshake. */
const TLS_FAULT = /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH)/;

/** The server is a standby (also one that was the primary a moment ago) or maintained: read-only, or a question that cannot be asked in recovery. */
export function isReadOnly(error: unknown): boolean {
  return /^(25006|55000)$/.test(sqlState(error));
}

/**
 * The server went away, cannot be written to or refuses everybody: class 08, 57P0x, too many connections, a connection that was ended
 * because its transaction took too long, a socket's error, a certificate that is not the right one, a time-out of node-pg.
 */
export function isConnectionError(error: unknown): boolean {
  if (error instanceof NoServer || isReadOnly(error)) return true;
  if (!(error instanceof Error)) return false;
  const code = sqlState(error);
  if (/^(08...|25P04|57P0[1-5]|53300)$/.test(code) || /^E[A-Z]+$/.test(code) || TLS_FAULT.test(code)) return true;
  return code === '' && /terminated|not queryable|timeout|connection|closed|Connection/.test(error.message);
}
