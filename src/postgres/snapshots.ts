/** The hot state and its revision, read in one repeatable-read transaction: what every replica starts from. */
import type { Chat, LastMessage } from '../domain/chat.ts';
import type { Department } from '../domain/department.ts';
import type { Operator } from '../domain/operator.ts';
import { lastMessageOf } from '../domain/state.ts';
import type { Snapshots } from '../ports/index.ts';
import type { Database } from './database.ts';
import { BEGIN_SNAPSHOT } from './session.ts';
import { CHATS, DEPARTMENTS, IS_OPEN, LAST_MESSAGE, OPERATORS } from './tables.ts';

const OPEN_CHATS = `select ${CHATS.select}, m.last as "lastMessage" from chat ${LAST_MESSAGE} where ${IS_OPEN}`;

export function createSnapshots(database: Database): Snapshots {
  return {
    load: () =>
      database.transaction(BEGIN_SNAPSHOT, async client => {
        const newest = await client.query<{ revision: number; batchId: string | null }>(
          'select r as revision, (select batch_id from change_log where last_revision = r) as "batchId" from newest_revision() r',
        );
        const chats = await client.query<Chat>(OPEN_CHATS);
        const operators = await client.query<Operator>(`select ${OPERATORS.select} from operator`);
        const departments = await client.query<Department>(`select ${DEPARTMENTS.select} from department`);
        return {
          revision: newest.rows[0]?.revision ?? 0,
          batchId: newest.rows[0]?.batchId ?? undefined,
          chats: chats.rows.map(withLastMessage),
          operators: operators.rows,
          departments: departments.rows,
        };
      }),
  };
}

function withLastMessage(chat: Chat & { lastMessage: LastMessage | null }): Chat {
  if (chat.lastMessage !== null) chat.lastMessage = lastMessageOf(chat.lastMessage);
  return chat;
}
