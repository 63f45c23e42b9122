/** Numbers of departments, which are made on the command line. */
import type { Database } from './database.ts';

export async function newDepartmentId(database: Database): Promise<number> {
  const [row] = await database.query<{ id: number }>("select nextval('department_id_seq') as id");
  if (row === undefined) throw new Error('nextval gives one row');
  return row.id;
}
