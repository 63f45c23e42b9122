/** The hot state and its revision, read in one repeatable-read transaction: what every replica starts from. */
import type { Chat } from '../domain/chat.ts';
import type { Department } from '../domain/department.ts';
import type { Operator } from '../domain/operator.ts';
import type { Snapshots } from '../ports.ts';
import type { Database } from './database.ts';
import { CHATS, DEPARTMENTS, OPERATORS } from './tables.ts';

export function createSnapshots(database: Database): Snapshots {
  return {
    load: () =>
      database.transaction('begin isolation level repeatable read read only', async client => {
        const revision = await client.query<{ revision: number }>('select newest_revision() as revision');
        const chats = await client.query<Chat>(`select ${CHATS.select} from chat where state in ('queue', 'chatting')`);
        const operators = await client.query<Operator>(`select ${OPERATORS.select} from operator`);
        const departments = await client.query<Department>(`select ${DEPARTMENTS.select} from department`);
        return {
          revision: revision.rows[0]?.revision ?? 0,
          chats: chats.rows,
          operators: operators.rows,
          departments: departments.rows,
        };
      }),
  };
}
