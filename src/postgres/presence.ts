/** Who is connected where. A node writes rows under its own incarnation; the master closes those of dead nodes, in one statement. */
import type { GoneOperator, PresenceStore, LostOperators } from '../ports/index.ts';
import type { Database } from './database.ts';

export function createPresence(database: Database, incarnation: string): PresenceStore & LostOperators {
  return {
    async tell(came, gone) {
      // By id, as everybody does who locks more than one.
      await database.query(
        `insert into operator_presence as p (operator_id, incarnation, gone_at)
         select id, $1, case when ago is not null then clock_timestamp() - ago * interval '1 millisecond' end
         from (select unnest($2::bigint[]), null::float8 union all select * from unnest($3::bigint[], $4::float8[])) u(id, ago) order by id
         on conflict (operator_id, incarnation) do update set gone_at = excluded.gone_at
         where p.gone_at is not null or excluded.gone_at is not null`,
        [incarnation, came, gone.map(({ operatorId }) => operatorId), gone.map(({ agoMs }) => agoMs)],
        'tell-presence',
      );
    },

    async closeDeadNodes() {
      await database.query(
        `update operator_presence p set gone_at = clock_timestamp()
         where p.gone_at is null and not exists (select from node n where n.incarnation = p.incarnation and is_present(n))`,
        [],
        'close-dead-presence',
      );
    },

    listGone: () =>
      database.query<GoneOperator>(
        `select o.id as "operatorId", greatest(o.status_us, case when o.status_sort = 'offline' then 0 else coalesce(
           (select (extract(epoch from max(coalesce(p.gone_at, clock_timestamp()))) * 1000000)::bigint from operator_presence p where p.operator_id = o.id), 0) end)
           as "sinceUs"
         from operator o
         where case when o.status_sort = 'offline' then o.load > 0
           else not exists (select from operator_presence p join node n on n.incarnation = p.incarnation and is_present(n)
                            where p.operator_id = o.id and p.gone_at is null) end`,
        [],
        'list-gone',
      ),
  };
}
