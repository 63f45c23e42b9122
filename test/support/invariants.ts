/** What must hold in the database after any fault. */
import assert from 'node:assert/strict';
import type { TestDatabase } from './database.ts';

/** I1, I2 (loads), no holes in the log, no message stored twice. */
export async function assertInvariants(database: TestDatabase): Promise<void> {
  const loads = await database.query(
    `select o.login, o.load, count(c.id)::int as chats from operator o
     left join chat c on coalesce(c.operator_id, c.assigned_operator_id) = o.id and c.state in ('queue', 'chatting', 'invitation')
     group by o.id having o.load <> count(c.id)`,
  );
  assert.deepEqual(loads, [], 'loads are the chats that operators have');
  const holes = await database.query(
    `select last_revision from (select last_revision, first_revision, lag(last_revision) over (order by last_revision) as before from change_log) l
     where before is not null and first_revision <> before + 1 and first_revision / 1000000000000 = before / 1000000000000`,
  );
  assert.deepEqual(holes, [], 'revisions have no hole');
  const doubled = await database.query('select text from message group by chat_id, text having count(*) > 1');
  assert.deepEqual(doubled, [], 'no message stands twice (tests say each text once)');
}
