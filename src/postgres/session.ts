/**
 * What every session of ours relies on, whatever is set for the server, the database or the role: as SQL that is run on each new
 * connection, or, behind a pooler in transaction mode (where the connection of the next transaction is another one), in each transaction.
 * Database runs it; nobody else connects. What is only a matter of speed is left to the administrator.
 */

/** By name; one that a version of PostgreSQL does not know is passed over. */
const SETTINGS: Readonly<Record<string, string>> = {
  // Where our tables are. Temporary ones never stand in front of them.
  search_path: 'public, pg_temp',
  // How texts are read.
  array_nulls: 'on',
  standard_conforming_strings: 'on',
  transform_null_equals: 'off',
  // How values are written and read.
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  bytea_output: 'hex',
  extra_float_digits: '1',
  xmloption: 'content',
  quote_all_identifiers: 'off',
  lc_monetary: 'C',
  lc_numeric: 'C',
  lc_time: 'C',
  // What a transaction is.
  default_transaction_isolation: 'read committed',
  default_transaction_deferrable: 'off',
  row_security: 'on',
  restrict_nonsystem_relation_kind: '',
  gin_fuzzy_search_limit: '0',
  // Time limits are ours: see HANG_TIMEOUT_MS in database.ts, and store.ts.
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
  transaction_timeout: '0',
  // Where tables are made.
  default_table_access_method: 'heap',
  default_tablespace: '',
};

/** Read-only by the server's own files is a maintenance (or a full disk): nothing is written until it is over. Anywhere else it changes nothing. */
const IS_OF_SERVER = "source in ('default', 'environment variable', 'configuration file', 'command line')";

/** As a list of a select. A message that was acknowledged is on the disk: `off` is not taken over, any stronger wish is. */
function settings(isLocal: boolean): string {
  const wanted = Object.entries(SETTINGS).map(
    ([name, value]) =>
      `case when pg_catalog.current_setting('${name}', true) is not null then pg_catalog.set_config('${name}', '${value}', ${isLocal}) end`,
  );
  const durable = `case pg_catalog.current_setting('synchronous_commit') when 'off' then pg_catalog.set_config('synchronous_commit', 'on', ${isLocal}) end`;
  return [...wanted, durable].join(', ');
}

/** Before all else, and alone: what follows must not run into the limits of the role. */
export const LIFT_TIME_LIMITS = `select pg_catalog.set_config(name, '0', false) from (values ('statement_timeout'), ('transaction_timeout')) v(name)
  where pg_catalog.current_setting(name, true) is not null`;

export const SET_FOR_SESSION = `select ${settings(false)};
  select pg_catalog.set_config('default_transaction_read_only', 'off', false) from pg_catalog.pg_settings
  where name = 'default_transaction_read_only' and setting = 'on' and not (${IS_OF_SERVER})`;

/** One row without columns, behind a BEGIN. `offset 0` keeps the settings although nobody reads them. */
export const SET_FOR_TRANSACTION = `select from (select pg_catalog.set_config('statement_timeout', '0', true), ${settings(true)} offset 0) s`;

/** Transactions say what they are, so that no default of anybody's decides. */
export const BEGIN = 'begin isolation level read committed read write';
export const BEGIN_READ_ONLY = 'begin isolation level read committed read only';
export const BEGIN_SNAPSHOT = 'begin isolation level repeatable read read only not deferrable';

/** What a server is just now; the timeline of a standby is null. */
export interface ServerState {
  readonly timeline: number | null;
  readonly isMaintained: boolean;
}

export const SERVER_STATE = `select case when not pg_catalog.pg_is_in_recovery()
    then ('x' || pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8))::bit(32)::integer end as timeline,
  exists (select from pg_catalog.pg_settings where name = 'default_transaction_read_only' and setting = 'on' and ${IS_OF_SERVER}) as "isMaintained"`;
