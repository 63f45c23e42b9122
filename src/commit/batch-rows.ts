/**
 * The locked rows of one batch while it is decided: a State that `apply` folds into, and the questions that decisions
 * ask. Asking for a row that was not locked throws RowNotLocked. What was touched is what gets written.
 */
import { type Appended, apply, type Rows, type State } from '../domain/state.ts';
import type { Change } from '../domain/change.ts';
import { type Chat, isOpen } from '../domain/chat.ts';
import type { HistoryRow } from '../domain/chat-history.ts';
import type { Department } from '../domain/department.ts';
import { isFromVisitor, type Message, messageTime, type Sender, sentKey } from '../domain/message.ts';
import type { Operator, StatusTime } from '../domain/operator.ts';
import type { Microseconds } from '../domain/time.ts';
import type { Visitor } from '../domain/visitor.ts';
import type { Keys, LockedRows, Written } from '../ports/index.ts';
import { RowNotLocked } from './key-set.ts';

export class BatchRows implements State {
  readonly visitors: TouchedRows<string, Visitor>;
  readonly chats: TouchedRows<number, Chat>;
  readonly operators: TouchedRows<number, Operator>;
  readonly departments: TouchedRows<string, Department>;
  readonly messages: TouchedRows<string, Message>;
  readonly history = new AddedRows<HistoryRow>();
  readonly statusTimes = new AddedRows<StatusTime>();
  readonly #keys: Keys;
  readonly #locked: LockedRows;
  readonly #openChats = new Map<string, number>();

  constructor(keys: Keys, locked: LockedRows) {
    this.#keys = keys;
    this.#locked = locked;
    this.visitors = new TouchedRows(locked.visitors);
    this.chats = new TouchedRows(locked.chats, chat => this.#indexChat(chat));
    this.operators = new TouchedRows(locked.operators);
    this.departments = new TouchedRows(locked.departments);
    const found = new Map([...locked.sentMessages.values(), ...locked.messages.values()].map(message => [message.id, message]));
    this.messages = new TouchedRows(found, message => this.#indexMessage(message));
    for (const chat of locked.chats.values()) this.#indexChat(chat);
  }

  /** `records`: why, for the history row that each of these changes leaves. */
  fold(changes: readonly Change[], records?: readonly string[]): void {
    for (const [i, change] of changes.entries()) {
      apply(this, change);
      const record = records?.[i];
      if (record !== undefined) this.history.explainLast(record);
    }
  }

  visitor(id: string): Visitor | undefined {
    return this.visitors.get(id) ?? this.#absent('visitors', id, this.#keys.visitors.has(id));
  }

  chat(id: number): Chat | undefined {
    return this.chats.get(id) ?? this.#absent('chats', id, this.#keys.chats.has(id));
  }

  openChatOf(visitorId: string): Chat | undefined {
    const id = this.#openChats.get(visitorId);
    if (id !== undefined) return this.chats.get(id);
    return this.#absent('openChatsOf', visitorId, this.#keys.openChatsOf.has(visitorId));
  }

  operator(id: number): Operator | undefined {
    return this.operators.get(id) ?? this.#absent('operators', id, this.#keys.operators.has(id));
  }

  /** Makes sure that the operator who bears the chat is locked, before a change moves his load. */
  lockBearer(operatorId: number | null): void {
    if (operatorId !== null) this.operator(operatorId);
  }

  department(key: string): Department | undefined {
    return this.departments.get(key) ?? this.#absent('departments', key, this.#keys.departments.has(key));
  }

  /** The message that this client sent before under this id. */
  sentMessage(sender: Sender, clientSideId: string): Message | undefined {
    return this.#locked.sentMessages.get(sentKey(sender, clientSideId));
  }

  message(id: string): Message | undefined {
    return this.messages.get(id) ?? this.#absent('messages', id, this.#keys.messages.has(id));
  }

  /** Ids of the visitor's messages in this chat that no operator has read, oldest first. */
  unreadIn(chat: Chat): string[] {
    if (!this.#keys.unreadOf.has(chat.id)) throw new RowNotLocked('unreadOf', chat.id);
    const ids = this.#locked.unread.get(chat.id) ?? [];
    return ids.filter(id => (messageTime(id) ?? 0) > chat.readByOperatorUs).sort();
  }

  /** When this operator was connected last; undefined: he is. Never: 0. */
  lastSeenUs(operatorId: number): Microseconds | undefined {
    if (!this.#keys.presenceOf.has(operatorId)) throw new RowNotLocked('presenceOf', operatorId);
    return this.#locked.presence.get(operatorId);
  }

  newChatId(): number {
    return takeId(this.#locked.newChatIds, 'newChats');
  }

  newOperatorId(): number {
    return takeId(this.#locked.newOperatorIds, 'newOperators');
  }

  #absent(table: RowNotLocked['table'], key: string | number, isLocked: boolean): undefined {
    if (!isLocked) throw new RowNotLocked(table, key);
    return undefined;
  }

  #indexChat(chat: Chat): void {
    if (isOpen(chat)) this.#openChats.set(chat.visitorId, chat.id);
    else if (this.#openChats.get(chat.visitorId) === chat.id) this.#openChats.delete(chat.visitorId);
  }

  /** Later commands of the batch see what earlier ones sent. */
  #indexMessage(message: Message): void {
    this.#locked.sentMessages.set(sentKey(message.sender, message.clientSideId), message);
    if (!isFromVisitor(message) || !this.#keys.unreadOf.has(message.chatId)) return;
    this.#locked.unread.set(message.chatId, [...(this.#locked.unread.get(message.chatId) ?? []), message.id]);
  }
}

/** A table of the batch: the rows it began with, and those folded since. */
export class TouchedRows<K, R> implements Rows<K, R> {
  readonly #before: ReadonlyMap<K, R>;
  readonly #after = new Map<K, R>();
  readonly #onSet: ((row: R) => void) | undefined;

  constructor(before: ReadonlyMap<K, R>, onSet?: (row: R) => void) {
    this.#before = before;
    this.#onSet = onSet;
  }

  get(key: K): R | undefined {
    return this.#after.get(key) ?? this.#before.get(key);
  }

  set(key: K, row: R): void {
    this.#after.set(key, row);
    this.#onSet?.(row);
  }

  /** As they are now. */
  *all(): Iterable<R> {
    for (const [key, row] of this.#before) yield this.#after.get(key) ?? row;
    for (const [key, row] of this.#after) if (!this.#before.has(key)) yield row;
  }

  /** The final state of each touched row. */
  written(): Written<R> {
    const created: R[] = [];
    const changed: { before: R; after: R }[] = [];
    for (const [key, after] of this.#after) {
      const before = this.#before.get(key);
      if (before === undefined) created.push(after);
      else changed.push({ before, after });
    }
    return { created, changed };
  }
}

/** Rows that are only added. */
export class AddedRows<R extends object> implements Appended<R> {
  readonly rows: R[] = [];

  add(row: R): void {
    this.rows.push(row);
  }

  explainLast(this: AddedRows<HistoryRow>, record: string): void {
    const last = this.rows.pop();
    if (last !== undefined) this.rows.push({ ...last, record });
  }
}

function takeId(ids: number[], table: 'newChats' | 'newOperators'): number {
  const id = ids.shift();
  if (id === undefined) throw new RowNotLocked(table, 1);
  return id;
}
