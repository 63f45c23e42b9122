/**
 * The tables that commands lock and write, as data: which property is which column. Reading, locking and the
 * set-based upsert are generated from here, so that persisting knows tables and never kinds of change. The compiler
 * refuses a column list that does not name every property of its row.
 */
import type { Chat } from '../domain/chat.ts';
import type { Department } from '../domain/department.ts';
import type { Message } from '../domain/message.ts';
import type { Operator } from '../domain/operator.ts';
import type { Visitor } from '../domain/visitor.ts';

type ColumnType = 'bigint' | 'integer' | 'text' | 'boolean' | 'jsonb';

export interface Table<R> {
  readonly name: string;
  /** `c1, c2, …` in the order of the properties, aliased so that a result row is a domain row. */
  readonly select: string;
  readonly upsert: string;
  /** The arrays for `upsert`. */
  readonly values: (rows: readonly R[]) => unknown[][];
}

export const VISITORS = table<Visitor>('visitor', ['id'], { id: 'text', fields: 'jsonb', lastTsUs: 'bigint' });

export const CHATS = table<Chat>('chat', ['id'], {
  id: 'bigint',
  clientSideId: 'text',
  visitorId: 'text',
  visitorFields: 'jsonb',
  channel: 'text',
  visitSessionId: 'text',
  state: 'text',
  operatorId: 'bigint',
  assignedOperatorId: 'bigint',
  assignedUs: 'bigint',
  departmentKey: 'text',
  lang: 'text',
  location: 'text',
  offline: 'boolean',
  createdUs: 'bigint',
  queuedUs: 'bigint',
  modifiedUs: 'bigint',
  unreadByOperatorSinceUs: 'bigint',
  readByOperatorUs: 'bigint',
  unreadByVisitorSinceUs: 'bigint',
  unreadByVisitorMsgCnt: 'integer',
  readByVisitor: 'boolean',
  subject: 'text',
  pageUrl: 'text',
  pageTitle: 'text',
  messageCount: 'integer',
  lastMessage: 'jsonb',
});

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
  maxChats: 'integer',
  departmentKeys: 'jsonb',
  langs: 'jsonb',
  roles: 'jsonb',
  disabled: 'boolean',
});

export const DEPARTMENTS = table<Department>('department', ['key'], { key: 'text', id: 'integer', name: 'text', order: 'integer' });

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
});

function table<R>(name: string, key: readonly (keyof R & string)[], columns: Readonly<Record<keyof R & string, ColumnType>>): Table<R> {
  const properties = Object.keys(columns) as (keyof R & string)[];
  const types = properties.map(property => columns[property]);
  const names = properties.map(columnName);
  const keyNames = key.map(columnName);
  // jsonb arrays are sent as text: node-pg would write nested arrays as PostgreSQL arrays.
  const parameters = types.map((type, i) => `$${i + 1}::${type === 'jsonb' ? 'text' : type}[]`);
  const picked = types.map((type, i) => (type === 'jsonb' ? `c${i}::jsonb` : `c${i}`));
  const sets = names.filter(column => !keyNames.includes(column)).map(column => `${column} = excluded.${column}`);
  return {
    name,
    select: properties.map((property, i) => `${name}.${names[i] ?? ''} as "${property}"`).join(', '),
    upsert:
      `insert into ${name} (${names.join(', ')}) select ${picked.join(', ')} ` +
      `from unnest(${parameters.join(', ')}) u(${types.map((_, i) => `c${i}`).join(', ')}) ` +
      `on conflict (${keyNames.join(', ')}) do update set ${sets.join(', ')}`,
    values: rows => properties.map((property, i) => rows.map(row => (types[i] === 'jsonb' ? json(row[property]) : row[property]))),
  };
}

function columnName(property: string): string {
  const name = property.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
  return name === 'order' ? '"order"' : name;
}

function json(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}
