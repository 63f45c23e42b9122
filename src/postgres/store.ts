/**
 * The Store port: one writer's transactions on a connection of its own, used by the commit loop.
 *
 * A batch costs two round trips, because statements are pipelined: `begin` sends the transaction's limits, the locks
 * (one statement per table, in the one order that all nodes keep) and the reads that need them; `commit` sends the
 * upserts and, as the last message, `append_changes` and `commit` together.
 */
import type pg from 'pg';
import type { Chat } from '../domain/chat.ts';
import type { Department } from '../domain/department.ts';
import { type Message, sentKey } from '../domain/message.ts';
import type { Operator } from '../domain/operator.ts';
import type { Visitor } from '../domain/visitor.ts';
import { type BatchWrite, type CommittedRange, type Keys, type LockedRows, type Store, StoreFailure } from '../ports.ts';
import { type Database, isConnectionError, sqlState } from './database.ts';
import { CHATS, DEPARTMENTS, MESSAGES, OPERATORS, type Table, VISITORS } from './tables.ts';

const BEGIN =
  "begin; set local idle_in_transaction_session_timeout = '2s'; set local lock_timeout = '2s'; set local statement_timeout = '5s'";

const LOCK_VISITORS = `select ${VISITORS.select} from visitor where id = any($1::text[]) order by id for no key update`;
const LOCK_CHATS =
  `select ${CHATS.select} from chat where id = any($1::bigint[]) ` +
  `or (visitor_id = any($2::text[]) and state in ('queue', 'chatting')) order by id for no key update`;
const LOCK_OPERATORS = `select ${OPERATORS.select} from operator where id = any($1::bigint[]) order by id for no key update`;
const LOCK_DEPARTMENTS = `select ${DEPARTMENTS.select} from department where key = any($1::text[]) order by key for no key update`;
const FIND_SENT =
  `select ${MESSAGES.select} from unnest($1::text[], $2::text[]) k(s, c) ` +
  'join message on message.sender = k.s and message.client_side_id = k.c';
/** Behind the locks: it reads the mark of the locked chat. The newest 1,000 are enough to show ticks. */
const LIST_UNREAD =
  'select c.id as "chatId", u.id as "messageId" from chat c, lateral (select m.id from message m where m.visitor_id = c.visitor_id ' +
  "and m.chat_id = c.id and m.ts_us > c.read_by_operator_us and m.kind = 'visitor' order by m.ts_us desc limit 1000) u where c.id = any($1::bigint[])";
const NEW_CHAT_IDS = `select nextval('chat_id') as id from generate_series(1, $1)`;
const NEW_OPERATOR_IDS = `select nextval('operator_id') as id from generate_series(1, $1)`;
const FIND_BATCH = 'select first_revision as first, last_revision as last from change_log where batch_id = $1';

export function createStore(database: Database): Store & { close(): Promise<void> } {
  let connection: pg.Client | undefined;

  async function client(): Promise<pg.Client> {
    if (connection === undefined) {
      const opened = await database.connect({ pipeline: true });
      opened.on('end', () => {
        if (connection === opened) connection = undefined;
      });
      connection = opened;
    }
    return connection;
  }

  function drop(): void {
    connection?.connection.stream.destroy();
    connection = undefined;
  }

  function run<R extends pg.QueryResultRow>(on: pg.Client, name: string, text: string, values: unknown[]): Promise<R[]> {
    return on.query<R>(database.usesNamedStatements ? { name, text, values } : { text, values }).then(result => result.rows);
  }

  return {
    async begin(batchId, keys, isRetry) {
      try {
        const on = await client();
        return await together(on, () => lock(on, run, batchId, keys, isRetry));
      } catch (error) {
        if (isConnectionError(error)) drop();
        throw failureOf(error, 'disconnected');
      }
    },

    async commit(batchId, write) {
      if (connection === undefined) throw new StoreFailure('disconnected', new Error('the connection was lost'));
      const on = connection;
      const append = `select append_changes('${batchId}', ${write.changeCount}, ${quote(write.changesJson, batchId)}, ${write.leaseToken ?? 'null'}) as last; commit`;
      const outcomes = await together(on, () => {
        const writes = persist(on, run, write);
        const appended = on.query<{ last: number }>(append) as unknown as Promise<pg.QueryResult<{ last: number }>[]>;
        return Promise.allSettled([appended, ...writes]);
      });
      // The first failure is the cause; those behind it, `appended` last of all, only say that the transaction is aborted.
      const [appended, ...writes] = outcomes;
      const failed = [...writes, appended].find(outcome => outcome.status === 'rejected');
      if (failed !== undefined) {
        if (isConnectionError(failed.reason)) drop();
        throw failureOf(failed.reason, 'unknown');
      }
      const last = appended.status === 'fulfilled' ? appended.value[0]?.rows[0]?.last : undefined;
      if (last === undefined) throw new Error('append_changes returned nothing');
      return { first: last - write.changeCount + 1, last };
    },

    async rollback() {
      try {
        await connection?.query('rollback');
      } catch {
        drop();
      }
    },

    async close() {
      const ending = connection;
      connection = undefined;
      await ending?.end();
    },
  };
}

/** Statements issued by `issue` leave in one write: a system call each would cost more than the statements do. */
function together<T>(client: pg.Client, issue: () => T): T {
  const { stream } = client.connection;
  stream.cork();
  try {
    return issue();
  } finally {
    stream.uncork();
  }
}

type Run = <R extends pg.QueryResultRow>(on: pg.Client, name: string, text: string, values: unknown[]) => Promise<R[]>;

async function lock(client: pg.Client, run: Run, batchId: string, keys: Keys, isRetry: boolean): Promise<LockedRows> {
  const sent = [...keys.sentMessages.values()];
  const when = <R extends pg.QueryResultRow>(wanted: boolean, name: string, text: string, values: unknown[]): Promise<R[]> =>
    wanted ? run<R>(client, name, text, values) : Promise.resolve([]);

  const [, visitors, chats, operators, departments, messages, unread, chatIds, operatorIds, committed, clock] = await allOrFirstError([
    client.query(BEGIN).then(() => []),
    when<Visitor>(keys.visitors.size > 0, 'lock-visitors', LOCK_VISITORS, [[...keys.visitors]]),
    when<Chat>(keys.chats.size + keys.openChatsOf.size > 0, 'lock-chats', LOCK_CHATS, [[...keys.chats], [...keys.openChatsOf]]),
    when<Operator>(keys.operators.size > 0, 'lock-operators', LOCK_OPERATORS, [[...keys.operators]]),
    when<Department>(keys.departments.size > 0, 'lock-departments', LOCK_DEPARTMENTS, [[...keys.departments]]),
    when<Message>(sent.length > 0, 'find-sent', FIND_SENT, [sent.map(key => key.sender), sent.map(key => key.clientSideId)]),
    when<{ chatId: number; messageId: string }>(keys.unreadOf.size > 0, 'list-unread', LIST_UNREAD, [[...keys.unreadOf]]),
    when<{ id: number }>(keys.newChats > 0, 'new-chat-ids', NEW_CHAT_IDS, [keys.newChats]),
    when<{ id: number }>(keys.newOperators > 0, 'new-operator-ids', NEW_OPERATOR_IDS, [keys.newOperators]),
    when<CommittedRange & pg.QueryResultRow>(isRetry, 'find-batch', FIND_BATCH, [batchId]),
    run<{ now: number }>(client, 'clock', 'select clock_us() as now', []), // behind the locks: never before what it waited for
  ]);

  const unreadByChat = new Map<number, string[]>();
  for (const { chatId, messageId } of unread) {
    const ids = unreadByChat.get(chatId);
    if (ids === undefined) unreadByChat.set(chatId, [messageId]);
    else ids.push(messageId);
  }
  const nowUs = clock[0]?.now;
  if (nowUs === undefined) throw new Error('the database returned no time');
  return {
    nowUs,
    visitors: new Map(visitors.map(row => [row.id, row])),
    chats: new Map(chats.map(row => [row.id, row])),
    operators: new Map(operators.map(row => [row.id, row])),
    departments: new Map(departments.map(row => [row.key, row])),
    sentMessages: new Map(messages.map(row => [sentKey(row.sender, row.clientSideId), row])),
    unread: unreadByChat,
    newChatIds: chatIds.map(row => row.id),
    newOperatorIds: operatorIds.map(row => row.id),
    committed: committed[0],
  };
}

function persist(client: pg.Client, run: Run, write: BatchWrite): Promise<unknown>[] {
  const upsert = <R>(table: Table<R>, rows: readonly R[]): Promise<unknown>[] =>
    rows.length === 0 ? [] : [run(client, `upsert-${table.name}`, table.upsert, table.values(rows))];
  const { endedPageIds: pages, endedOperatorSessions: sessions } = write;
  return [
    ...upsert(VISITORS, write.visitors),
    ...upsert(CHATS, write.chats),
    ...upsert(OPERATORS, write.operators),
    ...upsert(DEPARTMENTS, write.departments),
    ...upsert(MESSAGES, write.messages),
    ...(pages.length === 0
      ? []
      : [run(client, 'end-pages', 'update page set ended_at = clock_timestamp() where id = any($1::text[])', [pages])]),
    ...(sessions.length === 0
      ? []
      : [
          run(
            client,
            'end-sessions',
            'delete from operator_session s using unnest($1::bigint[], $2::text[]) e(o, t) where s.operator_id = e.o and (e.t is null or s.token_hash = e.t)',
            [sessions.map(ended => ended.operatorId), sessions.map(ended => ended.tokenHash)],
          ),
        ]),
  ];
}

/** Dollar quotes with the random batch id as tag: pg.escapeLiteral copies letter by letter, ~10 µs a message. */
function quote(text: string, batchId: string): string {
  const tag = `$b${batchId.replaceAll('-', '')}$`;
  if (text.includes(tag)) throw new StoreFailure('refused', new Error('the text holds the quote of its own batch'));
  return tag + text + tag;
}

/** Waits until every statement has answered, then throws the first one's error: later ones only say "aborted". */
async function allOrFirstError<T extends readonly unknown[]>(promises: { [I in keyof T]: Promise<T[I]> }): Promise<T> {
  const outcomes = await Promise.allSettled(promises);
  const failed = outcomes.find(outcome => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return outcomes.map(outcome => (outcome as PromiseFulfilledResult<unknown>).value) as unknown as T;
}

/** `whenCut`: what a lost connection means at this point. */
function failureOf(error: unknown, whenCut: 'disconnected' | 'unknown'): Error {
  const state = sqlState(error);
  if (state === 'TD001') return new StoreFailure('fenced', error);
  if (state === 'TD002') return new StoreFailure('epoch', error);
  // Deadlock, serialization, lock time-out, statement time-out, idle in transaction.
  if (/^(40P01|40001|55P03|57014|25P03)$/.test(state)) return new StoreFailure('retry', error);
  if (isConnectionError(error) || /unavailable|not-ready/.test(codeOf(error))) return new StoreFailure(whenCut, error);
  if (state.startsWith('53')) return new StoreFailure('exhausted', error);
  // Class 22 data, 23 constraints, 54 limits: this content cannot be stored.
  if (/^(22|23|54)/.test(state)) return new StoreFailure('refused', error);
  return error instanceof Error ? error : new Error(String(error));
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'reason' in error ? String(error.reason) : '';
}
