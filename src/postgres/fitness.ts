/**
 * Is this a database that we can work in? Asked before anything is changed, by every command and every node that starts. What is wrong
 * with it only an administrator can put right, so that it ends with exit code 78 and the command that does it.
 */
import type { Database } from './database.ts';
import { createDatabase } from './failures.ts';

/** Any collation will do: where the order of texts matters the schema names its own. The message says what is wrong and what to do. */
export class UnfitDatabase extends Error {
  override readonly name = 'UnfitDatabase';
}

interface Found {
  readonly version: string;
  readonly name: string;
  readonly user: string;
  readonly encoding: string;
  readonly hasTables: boolean;
  /** Another schema that has our tables. */
  readonly elsewhere: string | null;
  readonly hasPublic: boolean;
  readonly mayMakeTables: boolean;
}

const LOOK = `select current_setting('server_version') as version, current_database() as name, current_user as user,
  pg_encoding_to_char(d.encoding) as encoding,
  to_regclass('public.schema_migration') is not null as "hasTables",
  (select n.nspname from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where c.relname = 'schema_migration' and n.nspname <> 'public' and exists (select from pg_class i where i.relname = 'installation' and i.relnamespace = n.oid)
   order by 1 limit 1) as elsewhere,
  to_regnamespace('public') is not null as "hasPublic",
  coalesce(has_schema_privilege(to_regnamespace('public')::oid, 'create'), false)
    and coalesce(has_schema_privilege(to_regnamespace('public')::oid, 'usage'), false) as "mayMakeTables"
  from pg_database d where d.datname = current_database()`;

/** What is right about it, in a few words. Throws UnfitDatabase, or ChatError `unavailable`. */
export async function checkFitness(database: Database): Promise<string> {
  const [found] = await database.query<Found>(LOOK);
  if (found === undefined) throw new Error('the database is not in pg_database');
  const faults = faultsOf(found);
  if (faults.length > 0) throw new UnfitDatabase(faults.join('\n'));
  return `PostgreSQL ${found.version}, database '${found.name}', ${found.encoding}`;
}

function faultsOf(found: Found): string[] {
  const { name, user, encoding, hasTables, elsewhere, hasPublic, mayMakeTables } = found;
  const faults: string[] = [];
  if (encoding !== 'UTF8') {
    const move = hasTables ? `, and move what is in it: pg_dump --encoding UTF8 ${name} | psql NEW` : '';
    faults.push(
      `the encoding of database '${name}' is ${encoding}, which cannot hold every text; it must be UTF8. Drop it, or take another db_name, and make it anew: ${createDatabase(name, user)}${move}`,
    );
  }
  if (!hasTables && elsewhere !== null)
    faults.push(
      `the tables are in schema '${elsewhere}', they must be in public. Into a database that has no other tables there: drop schema public; alter schema "${elsewhere}" rename to public`,
    );
  else if (!hasPublic) faults.push(`database '${name}' has no schema public: create schema public authorization "${user}"`);
  else if (!hasTables && !mayMakeTables)
    faults.push(
      `user '${user}' may make no tables in schema public of database '${name}' (permission denied): alter database "${name}" owner to "${user}"; or: grant usage, create on schema public to "${user}"`,
    );
  return faults;
}
