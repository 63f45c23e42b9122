/**
 * The tables that commands lock and write, as data: which property is which column. Reading, locking and the
 * set-based writes are generated from here, so that persisting knows tables and never kinds of change. The compiler
 * refuses a column list that does not name every property of its row.
 */
import { type Chat, OPEN_STATES } from '../domain/chat.ts';
import type { HistoryRow } from '../domain/chat-history.ts';
import type { Department } from '../domain/department.ts';
import type { Message } from '../domain/message.ts';
import type { Operator, StatusTime } from '../domain/operator.ts';
import type { Visitor } from '../domain/visitor.ts';
import { arrayLiteral } from './array-literal.ts';
import type { Statement } from './round-trip.ts';

type ColumnType = 'bigint' | 'integer' | 'text' | 'boolean' | 'jsonb';

export interface Table<R> {
  /** `c1, c2, …` in the order of the properties, aliased so that a result row is a domain row. */
  readonly select: string;
  /** One statement for any number of rows, with an array for each column; none for no rows. */
  insert(rows: readonly R[]): Statement[];
  /**
   * Only the columns in which one of the rows has changed: a message changes 6 of a chat's 29. A row whose version is another
   * than it was violates the column's not-null constraint, which costs nothing when all is well. A row that is not there (the
   * database was set back) divides by zero: nothing is ever written beside it. Locks by id, as all nodes do.
   */
  update(rows: readonly { readonly before: R; readonly after: R }[]): Statement[];
}

export const VISITORS = table<Visitor>('visitor', ['id'], {
  id: 'text',
  fields: 'jsonb',
  verified: 'jsonb',
  lastTsUs: 'bigint',
  clearedUs: 'bigint',
  lastOperatorId: 'bigint',
  ban: 'jsonb',
});

/** As in the partial indexes of the schema. */
export const IS_OPEN = `state in (${OPEN_STATES.map(state => `'${state}'`).join(', ')})`;

/** The newest message is read from the messages where it is wanted. */
export const CHATS = table<Omit<Chat, 'lastMessage'>>('chat', ['id'], {
  id: 'bigint',
  clientSideId: 'text',
  visitorId: 'text',
  visitorFields: 'jsonb',
  visitorVerified: 'jsonb',
  channel: 'text',
  visitSessionId: 'text',
  state: 'text',
  operatorId: 'bigint',
  assignedOperatorId: 'bigint',
  assignedUs: 'bigint',
  declined: 'jsonb',
  lastOperatorId: 'bigint',
  departmentKey: 'text',
  lang: 'text',
  location: 'text',
  offline: 'boolean',
  createdUs: 'bigint',
  queuedUs: 'bigint',
  headStartSeconds: 'integer',
  modifiedUs: 'bigint',
  unreadByOperatorSinceUs: 'bigint',
  readByOperatorUs: 'bigint',
  unreadByVisitorSinceUs: 'bigint',
  unreadByVisitorMsgCnt: 'integer',
  readByVisitor: 'boolean',
  category: 'text',
  subject: 'text',
  ratings: 'jsonb',
  survey: 'jsonb',
  pageUrl: 'text',
  pageTitle: 'text',
  messageCount: 'integer',
  lastTsUs: 'bigint',
  version: 'bigint',
});

/** Joined to chat as `m.last`. Cut by characters here, and to the header's length, which counts otherwise, afterwards. */
export const LAST_MESSAGE = `left join lateral (
    select jsonb_build_object('id', id, 'kind', kind, 'name', name, 'text', left(text, 200), 'tsUs', ts_us) as last from message
    where visitor_id = chat.visitor_id and chat_id = chat.id order by ts_us desc limit 1) m on chat.message_count > 0`;

export const OPERATORS = table<Operator>('operator', ['id'], {
  id: 'bigint',
  login: 'text',
  fullname: 'text',
  avatar: 'text',
  title: 'text',
  status: 'text',
  statusSort: 'text',
  statusUs: 'bigint',
  statusReason: 'text',
  load: 'integer',
  loadUs: 'bigint',
  maxChats: 'integer',
  departmentKeys: 'jsonb',
  priorities: 'jsonb',
  langs: 'jsonb',
  schedule: 'jsonb',
  roles: 'jsonb',
  disabled: 'boolean',
  version: 'bigint',
});

export const DEPARTMENTS = table<Department>('department', ['key'], {
  key: 'text',
  id: 'integer',
  name: 'text',
  order: 'integer',
  assignmentMode: 'text',
  schedule: 'jsonb',
});

/** Only added to. */
export const HISTORY = table<HistoryRow>('chat_history', ['chatId', 'step'], {
  chatId: 'bigint',
  step: 'bigint',
  atUs: 'bigint',
  move: 'text',
  state: 'text',
  operatorId: 'bigint',
  assignedOperatorId: 'bigint',
  departmentKey: 'text',
  by: 'bigint',
  override: 'boolean',
  record: 'text',
});

/** Only added to. */
export const STATUS_TIMES = table<StatusTime>('operator_status_time', ['operatorId', 'fromUs'], {
  operatorId: 'bigint',
  fromUs: 'bigint',
  status: 'text',
  sort: 'text',
  toUs: 'bigint',
});

export const MESSAGES = table<Message>('message', ['visitorId', 'tsUs'], {
  visitorId: 'text',
  tsUs: 'bigint',
  id: 'text',
  chatId: 'bigint',
  visitSessionId: 'text',
  sender: 'text',
  clientSideId: 'text',
  kind: 'text',
  authorId: 'bigint',
  name: 'text',
  avatar: 'text',
  text: 'text',
  data: 'jsonb',
  changedUs: 'bigint',
  edited: 'boolean',
  deleted: 'boolean',
  quote: 'jsonb',
  reaction: 'text',
});

function table<R>(name: string, key: readonly (keyof R & string)[], columns: Readonly<Record<keyof R & string, ColumnType>>): Table<R> {
  const properties = Object.keys(columns) as (keyof R & string)[];
  const keys = properties.filter(property => key.includes(property));
  const others = properties.filter(property => !key.includes(property));
  // jsonb is sent as text: an array of jsonb would be quoted twice.
  const parameter = (property: keyof R & string, i: number): string =>
    `$${i + 1}::${columns[property] === 'jsonb' ? 'text' : columns[property]}[]`;
  const picked = (property: keyof R & string): string => `u.${columnName(property)}${columns[property] === 'jsonb' ? '::jsonb' : ''}`;
  const rowsOf = (list: readonly (keyof R & string)[], ...more: string[]): string =>
    `unnest(${[...list.map(parameter), ...more.map((_, i) => `$${list.length + i + 1}::bigint[]`)].join(', ')}) ` +
    `u(${[...list.map(columnName), ...more].join(', ')})`;
  const values = (list: readonly (keyof R & string)[], rows: readonly R[]): string[] =>
    list.map(property => arrayLiteral(rows, property, columns[property] === 'jsonb'));
  const insertText = `insert into ${name} (${properties.map(columnName).join(', ')}) select ${properties.map(picked).join(', ')} from ${rowsOf(properties)}`;
  const isVersioned = properties.includes('version' as keyof R & string);
  const set = (property: keyof R & string): string =>
    `${columnName(property)} = ${property === 'version' ? `case when ${name}.version = u.version_was then u.version end` : picked(property)}`;
  const whereKey = keys.map(property => `${name}.${columnName(property)} = u.${columnName(property)}`).join(' and ');
  return {
    select: properties.map(property => `${name}.${columnName(property)} as "${property}"`).join(', '),
    insert: rows => (rows.length === 0 ? [] : [{ name: `insert-${name}`, text: insertText, values: values(properties, rows) }]),
    update(unsorted) {
      const rows = isVersioned ? [...unsorted].sort((a, b) => idOf(a.after) - idOf(b.after)) : unsorted;
      const changed = others.filter(property => rows.some(({ before, after }) => before[property] !== after[property]));
      if (changed.length === 0) return [];
      const list = [...keys, ...changed];
      const was = isVersioned ? ['version_was'] : [];
      const statement = {
        name: `update-${name}-${changed.map(property => others.indexOf(property)).join('-')}`,
        text:
          `with done as (update ${name} set ${changed.map(set).join(', ')} from ${rowsOf(list, ...was)} where ${whereKey} returning 1) ` +
          `select 1 / (count(*) = cardinality($1))::integer from done`,
        values: [
          ...values(
            list,
            rows.map(row => row.after),
          ),
          ...was.map(() =>
            arrayLiteral(
              rows.map(row => row.before),
              'version' as keyof R,
              false,
            ),
          ),
        ],
      };
      return [statement];
    },
  };
}

function idOf(row: unknown): number {
  return (row as { readonly id: number }).id;
}

function columnName(property: string): string {
  const name = property.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
  return name === 'order' ? '"order"' : name;
}
