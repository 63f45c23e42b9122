/** Is what was assigned right? The same questions to the product's tables and to the peer's, which have these columns in common. */
import type { TestDatabase } from '../../support/database.ts';

/** Throws unless each chat of the department has an operator, nobody more than he may have, and loads are what they count. */
export async function refuseWrongAssignments(database: TestDatabase, departmentKey: string, chats: number): Promise<void> {
  const [found] = await database.query<{ assigned: number; others: number; above: number; miscounted: number }>(
    `select
       (select count(*)::integer from chat where department_key = $1 and state = 'queue' and assigned_operator_id is not null) as assigned,
       (select count(*)::integer from chat where department_key = $1 and (state <> 'queue' or assigned_operator_id is null)) as others,
       (select count(*)::integer from operator where load > max_chats) as above,
       (select count(*)::integer from operator
        left join (select assigned_operator_id as id, count(*) as held from chat group by 1) h using (id)
        where load <> coalesce(held, 0)) as miscounted`,
    [departmentKey],
  );
  const isRight = found?.assigned === chats && found.others === 0 && found.above === 0 && found.miscounted === 0;
  if (!isRight) throw new Error(`${chats} chats should have been assigned, each once and within capacities: ${JSON.stringify(found)}`);
}
