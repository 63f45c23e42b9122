/**
 * Defaults that an administrator may have set for a server, a database or a role, each of them another than what a fresh PostgreSQL has. None
 * of them may change what a node does.
 */

export const HOSTILE: Readonly<Record<string, string>> = {
  DateStyle: 'German, DMY',
  IntervalStyle: 'sql_standard',
  TimeZone: 'Pacific/Chatham',
  array_nulls: 'off',
  standard_conforming_strings: 'off',
  backslash_quote: 'off',
  transform_null_equals: 'on',
  bytea_output: 'escape',
  extra_float_digits: '-15',
  xmloption: 'document',
  quote_all_identifiers: 'on',
  client_encoding: 'LATIN1',
  search_path: 'elsewhere',
  default_transaction_isolation: 'serializable',
  default_transaction_deferrable: 'on',
  default_transaction_read_only: 'on',
  row_security: 'off',
  gin_fuzzy_search_limit: '1',
  synchronous_commit: 'off',
  statement_timeout: '1ms',
  lock_timeout: '1ms',
  idle_in_transaction_session_timeout: '1ms',
  idle_session_timeout: '100ms',
  transaction_timeout: '20ms',
};

type Ask = (sql: string) => Promise<Record<string, unknown>[]>;

/** `on`: `database x`, `role y`, `role y in database x`. `ask` in a session of before or of another database, which goes on without them. */
export async function setHostileDefaults(ask: Ask, on: string, except: readonly string[] = []): Promise<void> {
  const known = new Set((await ask('select name from pg_settings')).map(row => String(row['name'])));
  for (const [name, value] of Object.entries(HOSTILE))
    if (known.has(name) && !except.includes(name)) await ask(`alter ${on} set ${name} = '${value}'`);
}

/** Tables of the same names as ours, where the search path would find them first. `ask` in the database. */
export async function makeDecoys(ask: Ask): Promise<void> {
  await ask('create schema elsewhere');
  for (const table of ['chat', 'message', 'visitor', 'node']) await ask(`create table elsewhere.${table} (another integer)`);
}
