/**
 * The Store port: one writer's transactions on a connection of its own, used by the commit loop.
 *
 *   one round trip    `commitGuess`: the writes, which compare the versions of what they replace, append_changes
 *   two round trips   `begin`: limits, locks (one statement per table, in the one order that all nodes keep) and the reads
 *                     that need them; then, with what was decided, `commit`: the writes, append_changes and commit
 *
 * append_changes is always the last message and commits with it, so that the lock which all nodes share is never held
 * while the server waits for a client.
 */
import pg from 'pg';
import type { Chat } from '../domain/chat.ts';
import type { Department } from '../domain/department.ts';
import { type Message, messageTime, sentKey } from '../domain/message.ts';
import type { Operator } from '../domain/operator.ts';
import type { Visitor } from '../domain/visitor.ts';
import {
  type BatchWrite,
  type CommittedRange,
  type Guess,
  type Keys,
  type KnownCommit,
  type LockedRows,
  type Store,
  StoreFailure,
  type Written,
} from '../ports/index.ts';
import { arrayLiteral, listLiteral } from './array-literal.ts';
import { type Database, parserOf } from './database.ts';
import { isConnectionError, isRefusal, sqlState } from './failures.ts';
import { type Row, roundTrip, type Statement } from './round-trip.ts';
import { BEGIN, SET_FOR_TRANSACTION } from './session.ts';
import { CHATS, DEPARTMENTS, HISTORY, IS_OPEN, MESSAGES, OPERATORS, STATUS_TIMES, type Table, VISITORS } from './tables.ts';

const BEGIN_WRITE: Statement = { name: 'begin', text: BEGIN, values: [] };
/**
 * Limits, and plans by index whatever the statistics say: every statement here is by key. Set once for a connection of our
 * own; behind a pooler, where it is another's in between, for each transaction.
 */
const SETTINGS = {
  idle_in_transaction_session_timeout: '2s',
  lock_timeout: '2s',
  statement_timeout: '5s',
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  plan_cache_mode: 'force_generic_plan', // else arrays of another length are planned for anew: 0.15 ms of each commit
  jit: 'off', // before 18 a plan that had to do without costs 10^10, and is compiled at each execution
};
const LIMIT_TRANSACTION = `select ${Object.entries(SETTINGS)
  .map(([name, value]) => `set_config('${name}', '${value}', true)`)
  .join(', ')}`;
/** Since 17 a node that is frozen in the middle of a message can be told from one that sends: before, its row locks stay. */
const LIMIT_CONNECTION = `select set_config(name, value, false) from pg_settings s
  join (values ${Object.entries({ ...SETTINGS, transaction_timeout: '10s' })
    .map(([name, value]) => `('${name}', '${value}')`)
    .join(', ')}) v(name, value) using (name)`;

const LOCK_VISITORS = `select ${VISITORS.select} from visitor where id = any($1::text[]) order by id for no key update`;
const LOCK_CHATS =
  `select ${CHATS.select}, null as "lastMessage" from chat where id = any($1::bigint[]) ` +
  `or (visitor_id = any($2::text[]) and ${IS_OPEN}) order by id for no key update`;
const LOCK_OPERATORS = `select ${OPERATORS.select} from operator where id = any($1::bigint[]) order by id for no key update`;
const LOCK_DEPARTMENTS = `select ${DEPARTMENTS.select} from department where key = any($1::text[]) order by key for no key update`;
const FIND_MESSAGES =
  `select ${MESSAGES.select} from unnest($1::text[], $2::bigint[], $3::text[]) k(v, t, i) ` +
  'join message on message.visitor_id = k.v and message.ts_us = k.t and message.id = k.i';
const FIND_SENT =
  `select ${MESSAGES.select} from unnest($1::text[], $2::text[]) k(s, c) ` +
  'join message on message.sender = k.s and message.client_side_id = k.c';
/** Behind the locks: it reads the mark of the locked chat. The newest 1,000 are enough to show ticks. */
const LIST_UNREAD =
  'select c.id as "chatId", u.id as "messageId" from chat c, lateral (select m.id from message m where m.visitor_id = c.visitor_id ' +
  "and m.chat_id = c.id and m.ts_us > c.read_by_operator_us and m.sender like 'v:%' order by m.ts_us desc limit 1000) u where c.id = any($1::bigint[])";
/** Behind the locks. No row for who is connected to a living node. */
const LAST_SEEN =
  'select k.id as "operatorId", coalesce((extract(epoch from max(coalesce(p.gone_at, n.heartbeat_at, clock_timestamp()))) * 1000000)::bigint, 0) as "lastSeenUs" ' +
  'from unnest($1::bigint[]) k(id) left join operator_presence p on p.operator_id = k.id left join node n on n.incarnation = p.incarnation ' +
  'group by k.id having not coalesce(bool_or(p.gone_at is null and is_present(n)), false)';
const NEW_CHAT_IDS = `select nextval('chat_id') as id from generate_series(1, $1::integer)`;
const NEW_OPERATOR_IDS = `select nextval('operator_id') as id from generate_series(1, $1::integer)`;
const END_PAGES = 'update page set ended_at = clock_timestamp() where id = any($1::text[])';
const END_SESSIONS =
  'delete from operator_session s using unnest($1::bigint[], $2::text[]) e(o, t) where s.operator_id = e.o and (e.t is null or s.token_hash = e.t)';
/** The changes wait in the transaction for append_changes, so that its message is short and needs no quoting. */
const STAGE = "select from set_config('tandem.changes', $1, true)";
const FIND_BATCH = 'select first_revision as first, last_revision as last from change_log where batch_id = $1::uuid';

interface Open {
  readonly client: pg.Client;
  readonly prepared: Set<string>;
  /** Begun and not ended, or aborted by an error: to be rolled back before anything else. */
  inTransaction: boolean;
}

/** `known`: the newest commit that this node knows. Where the database does not have it (any more), nothing is written. */
export function createStore(
  database: Database,
  known: () => KnownCommit | undefined = () => undefined,
): Store & { close(): Promise<void> } {
  let open: Open | undefined;
  const settings = database.usesNamedStatements ? [] : [SET_FOR_TRANSACTION, LIMIT_TRANSACTION];
  const begin = [BEGIN_WRITE, ...settings.map((text): Statement => ({ name: '', text, values: [] }))];

  async function connect(): Promise<Open> {
    if (open === undefined) {
      const client = await database.connect();
      const opened: Open = { client, prepared: new Set(), inTransaction: false };
      client.on('end', () => {
        if (open === opened) open = undefined;
      });
      open = opened;
      if (database.usesNamedStatements) await client.query(LIMIT_CONNECTION).catch(refuse);
    }
    return open;
  }

  function refuse(error: unknown): never {
    drop();
    throw error;
  }

  function drop(): void {
    open?.client.connection.stream.destroy();
    open = undefined;
  }

  /** `whenCut`: what a lost connection means here. */
  async function run(on: Open, statements: readonly Statement[], whenCut: CutKind, last?: string): Promise<Row[][]> {
    try {
      return await roundTrip(on.client, {
        statements: database.usesNamedStatements ? statements : statements.map(statement => ({ ...statement, name: '' })),
        ...(last === undefined ? {} : { last }),
        prepared: on.prepared,
        parserOf,
      });
    } catch (error) {
      on.inTransaction = true;
      if (isConnectionError(error)) drop();
      throw failureOf(error, whenCut);
    }
  }

  async function write(on: Open, first: readonly Statement[], batchId: string, batch: BatchWrite, guess?: Guess): Promise<CommittedRange> {
    const guessed = guess === undefined ? 'null, null' : `${guess.nowUs}, ${guess.revision}`;
    const append = `select append_changes('${batchId}', ${batch.changeCount}, current_setting('tandem.changes'), ${batch.leaseToken ?? 'null'}, ${guessed}, ${knownAs(known())}) as last; commit`;
    const statements = [...first, ...writes(batch)];
    const rows = await run(on, statements, 'unknown', append);
    const last = rows[statements.length]?.[0]?.['last'];
    if (typeof last !== 'number') throw new Error('append_changes returned nothing');
    on.inTransaction = false;
    return { first: last - batch.changeCount + 1, last };
  }

  async function connection(): Promise<Open> {
    try {
      return await connect();
    } catch (error) {
      throw failureOf(error, 'disconnected');
    }
  }

  return {
    async commitGuess(batchId, guess, batch) {
      // Never over a new connection: behind a failure on the old one all guesses must fail.
      if (open === undefined) throw new StoreFailure('disconnected', new Error('there is no connection yet'));
      return write(open, [...begin, ...checkGuess(guess, batch)], batchId, batch, guess);
    },

    async begin(batchId, keys, isRetry) {
      const on = await connection();
      const wanted = [...begin, ...lockStatements(batchId, keys, isRetry)];
      const rows = await run(on, wanted, 'disconnected');
      on.inTransaction = true;
      return lockedRows(new Map(wanted.map(({ name }, i) => [name, rows[i] ?? []])));
    },

    async commit(batchId, batch) {
      if (open === undefined) throw new StoreFailure('disconnected', new Error('the connection was lost'));
      return write(open, [], batchId, batch);
    },

    async rollback() {
      if (open?.inTransaction !== true) return;
      try {
        open.inTransaction = false;
        await open.client.query('rollback');
      } catch {
        drop();
      }
    },

    async reserveChatIds(count) {
      return (await database.query<{ id: number }>(NEW_CHAT_IDS, [count], 'reserve-chats')).map(row => row.id);
    },

    async close() {
      const ending = open;
      open = undefined;
      await ending?.client.end();
    },
  };
}

/** In the order of locking; the clock behind the locks: never before what it waited for. */
function lockStatements(batchId: string, keys: Keys, isRetry: boolean): Statement[] {
  const sent = [...keys.sentMessages.values()];
  const messages = [...keys.messages].map(([id, { visitorId }]) => ({ id, visitorId, tsUs: messageTime(id) ?? 0 }));
  const when = (isWanted: boolean, name: string, text: string, ...values: string[]): Statement[] =>
    isWanted ? [{ name, text, values }] : [];
  return [
    ...when(keys.visitors.size > 0, 'visitors', LOCK_VISITORS, listLiteral(keys.visitors)),
    ...when(keys.chats.size + keys.openChatsOf.size > 0, 'chats', LOCK_CHATS, listLiteral(keys.chats), listLiteral(keys.openChatsOf)),
    ...when(keys.operators.size > 0, 'operators', LOCK_OPERATORS, listLiteral(keys.operators)),
    ...when(keys.departments.size > 0, 'departments', LOCK_DEPARTMENTS, listLiteral(keys.departments)),
    ...when(sent.length > 0, 'sent', FIND_SENT, listLiteral(sent.map(key => key.sender)), listLiteral(sent.map(key => key.clientSideId))),
    ...when(
      messages.length > 0,
      'messages',
      FIND_MESSAGES,
      arrayLiteral(messages, 'visitorId', false),
      arrayLiteral(messages, 'tsUs', false),
      arrayLiteral(messages, 'id', false),
    ),
    ...when(keys.unreadOf.size > 0, 'unread', LIST_UNREAD, listLiteral(keys.unreadOf)),
    ...when(keys.presenceOf.size > 0, 'presence', LAST_SEEN, listLiteral(keys.presenceOf)),
    ...when(keys.newChats > 0, 'new-chats', NEW_CHAT_IDS, String(keys.newChats)),
    ...when(keys.newOperators > 0, 'new-operators', NEW_OPERATOR_IDS, String(keys.newOperators)),
    ...when(isRetry, 'batch', FIND_BATCH, batchId),
    { name: 'clock', text: 'select clock_us() as now', values: [] },
  ];
}

function lockedRows(found: ReadonlyMap<string, Row[]>): LockedRows {
  const rows = <R>(name: string): R[] => (found.get(name) ?? []) as R[];
  const nowUs = rows<{ now: number }>('clock')[0]?.now;
  if (nowUs === undefined) throw new Error('the database returned no time');
  const unread = new Map<number, string[]>();
  for (const { chatId, messageId } of rows<{ chatId: number; messageId: string }>('unread')) {
    const ids = unread.get(chatId);
    if (ids === undefined) unread.set(chatId, [messageId]);
    else ids.push(messageId);
  }
  return {
    nowUs,
    visitors: new Map(rows<Visitor>('visitors').map(row => [row.id, row])),
    chats: new Map(rows<Chat>('chats').map(row => [row.id, row])),
    operators: new Map(rows<Operator>('operators').map(row => [row.id, row])),
    departments: new Map(rows<Department>('departments').map(row => [row.key, row])),
    sentMessages: new Map(rows<Message>('sent').map(row => [sentKey(row.sender, row.clientSideId), row])),
    messages: new Map(rows<Message>('messages').map(row => [row.id, row])),
    unread,
    presence: new Map(
      rows<{ operatorId: number; lastSeenUs: number }>('presence').map(({ operatorId, lastSeenUs }) => [operatorId, lastSeenUs]),
    ),
    newChatIds: rows<{ id: number }>('new-chats').map(row => row.id),
    newOperatorIds: rows<{ id: number }>('new-operators').map(row => row.id),
    committed: rows<CommittedRange>('batch')[0],
  };
}

/** In the order of locking. */
function checkGuess(guess: Guess, batch: BatchWrite): Statement[] {
  return [...checkVisitors(guess), ...checkVersions(guess, batch)];
}

function checkVisitors({ visitors }: Guess): Statement[] {
  if (visitors.length === 0) return [];
  const values = [arrayLiteral(visitors, 'id', false), arrayLiteral(visitors, 'fields', true), arrayLiteral(visitors, 'verified', true)];
  return [{ name: 'check-visitors', text: 'select check_newcomers($1, $2, $3)', values }];
}

/** Rows that are written are checked by that. */
function checkVersions({ chats, operators }: Guess, batch: BatchWrite): Statement[] {
  if (batch.chats.changed.length === chats.length && batch.operators.changed.length === operators.length) return [];
  const values = [
    arrayLiteral(chats, 'id', false),
    arrayLiteral(chats, 'version', false),
    arrayLiteral(operators, 'id', false),
    arrayLiteral(operators, 'version', false),
  ];
  return [{ name: 'check-guess', text: 'select check_guess($1, $2, $3, $4)', values }];
}

function writes(batch: BatchWrite): Statement[] {
  const rows = <R>(table: Table<R>, { created, changed }: Written<R>): Statement[] => [...table.insert(created), ...table.update(changed)];
  const { endedPageIds: pages, endedOperatorSessions: sessions } = batch;
  return [
    ...rows(VISITORS, batch.visitors),
    ...rows(CHATS, batch.chats),
    ...rows(OPERATORS, batch.operators),
    ...rows(DEPARTMENTS, batch.departments),
    ...rows(MESSAGES, batch.messages),
    ...HISTORY.insert(batch.history),
    ...STATUS_TIMES.insert(batch.statusTimes),
    ...(pages.length === 0 ? [] : [{ name: 'end-pages', text: END_PAGES, values: [listLiteral(pages)] }]),
    ...(sessions.length === 0
      ? []
      : [
          {
            name: 'end-sessions',
            text: END_SESSIONS,
            values: [arrayLiteral(sessions, 'operatorId', false), arrayLiteral(sessions, 'tokenHash', false)],
          },
        ]),
    { name: 'stage', text: STAGE, values: [batch.changesJson] },
  ];
}

function knownAs(commit: KnownCommit | undefined): string {
  if (commit === undefined) return 'null, null';
  return `${commit.revision}, ${commit.batchId === undefined ? 'null' : `'${commit.batchId}'`}`;
}

type CutKind = 'disconnected' | 'unknown';

/** `whenCut`: what a lost connection means at this point. */
function failureOf(error: unknown, whenCut: CutKind): Error {
  const state = sqlState(error);
  if (state === 'TD001') return new StoreFailure('fenced', error);
  if (state === 'TD002') return new StoreFailure('epoch', error);
  if (state === 'TD003' || isOtherVersion(error)) return new StoreFailure('stale', error);
  // Deadlock, serialization, lock time-out, statement time-out, idle in transaction.
  if (/^(40P01|40001|55P03|57014|25P03)$/.test(state)) return new StoreFailure('retry', error);
  // A right that was taken away is given back by an administrator: until then it is as without a database.
  if (isConnectionError(error) || isRefusal(error) || /unavailable|not-ready/.test(codeOf(error))) return new StoreFailure(whenCut, error);
  if (state.startsWith('53')) return new StoreFailure('exhausted', error);
  // Class 22 data, 23 constraints, 54 limits: this content cannot be stored.
  if (/^(22|23|54)/.test(state)) return new StoreFailure('refused', error);
  return error instanceof Error ? error : new Error(String(error));
}

/** See Table.update: another version, or a row that is not there (a division by zero; nothing else here divides). */
function isOtherVersion(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError)) return false;
  return (error.code === '23502' && error.column === 'version') || error.code === '22012';
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'reason' in error ? String(error.reason) : '';
}
