/**
 * Rows for deciding a batch without locking them first: the replica's, and this node's own newer ones, of batches that
 * are under way or that the replica has not applied yet. Chats and operators, which have versions to be checked by, and
 * visitors who have never had a chat, who are checked to be still as they came.
 */
import type { Chat } from '../domain/chat.ts';
import type { Operator } from '../domain/operator.ts';
import type { HotState } from '../domain/state.ts';
import type { Visitor } from '../domain/visitor.ts';
import type { BatchWrite, Guess, LockedRows, Written } from '../ports/index.ts';
import { BatchRows } from './batch-rows.ts';
import type { ChatIds } from './chat-ids.ts';
import { KeySet } from './key-set.ts';

/** Batches ahead of the replica at most: while it waits for a hole it may be some. Without the older ones guesses fail. */
const MAX_AHEAD = 64;

/** Those who have never had a chat, as far as this node knows. */
export interface NewcomerRows {
  get(visitorId: string): Visitor | undefined;
  /** He is about to have one. */
  delete(visitorId: string): void;
}

/** What one batch of this node left. */
interface Ahead {
  readonly chats: ReadonlyMap<number, Chat>;
  readonly operators: ReadonlyMap<number, Operator>;
  /** Its newest revision, when it is committed. */
  last: number | undefined;
}

export class GuessedRows {
  readonly #hot: HotState;
  readonly #newcomers: NewcomerRows | undefined;
  readonly #chatIds: ChatIds;
  /** Oldest first. */
  #ahead: Ahead[] = [];

  constructor(hot: HotState, newcomers: NewcomerRows | undefined, chatIds: ChatIds) {
    this.#hot = hot;
    this.#newcomers = newcomers;
    this.#chatIds = chatIds;
  }

  /** What is not known is not among the keys, so that a decision that asks for it is left for locks. */
  find(wanted: KeySet, nowUs: number): { readonly rows: BatchRows; readonly guess: Guess } {
    this.#dropApplied();
    const keys = new KeySet();
    const chats = new Map<number, Chat>();
    const operators = new Map<number, Operator>();
    const addChat = (id: number): void => {
      const chat = this.#newest('chats', id);
      if (chat === undefined) return;
      keys.chats.add(id);
      chats.set(id, chat);
    };
    for (const id of wanted.chats) addChat(id);
    const visitors = new Map<string, Visitor>();
    for (const visitorId of wanted.visitors) {
      const visitor = this.#newcomers?.get(visitorId);
      if (visitor === undefined) continue;
      keys.addVisitorWithChat(visitorId);
      visitors.set(visitorId, visitor);
    }
    for (const visitorId of wanted.openChatsOf) {
      const known = this.#hot.openChatOf(visitorId);
      if (known === undefined) continue;
      keys.openChatsOf.add(visitorId);
      addChat(known.id);
    }
    for (const id of wanted.operators) {
      const operator = this.#newest('operators', id);
      if (operator === undefined) continue;
      keys.operators.add(id);
      operators.set(id, operator);
    }
    const locked: LockedRows = {
      nowUs,
      visitors,
      chats,
      operators,
      departments: new Map(),
      messages: new Map(),
      sentMessages: new Map(), // what was sent before meets the unique key, and locks
      unread: new Map(),
      presence: new Map(),
      newChatIds: visitors.size === 0 ? [] : this.#chatIds.available(),
      newOperatorIds: [],
      committed: undefined,
    };
    const guess: Guess = {
      nowUs,
      revision: this.#hot.revision,
      visitors: [...visitors.values()],
      chats: [...chats.values()],
      operators: [...operators.values()],
    };
    return { rows: new BatchRows(keys, locked), guess };
  }

  /** The next batch is decided on what this one leaves. Returns what to call when it is committed. */
  sent({ chats, operators }: BatchWrite): (last: number) => void {
    for (const { visitorId } of chats.created) this.#newcomers?.delete(visitorId);
    const ahead: Ahead = { chats: byId(chats), operators: byId(operators), last: undefined };
    this.#ahead.push(ahead);
    if (this.#ahead.length > MAX_AHEAD) this.#ahead.shift();
    return last => {
      ahead.last = last;
    };
  }

  /** A batch was not committed, or nobody knows: nothing decided on it is worth anything. */
  forget(): void {
    this.#ahead = [];
  }

  #newest<T extends 'chats' | 'operators'>(table: T, id: number): ReturnType<Ahead[T]['get']> {
    for (let i = this.#ahead.length - 1; i >= 0; i--) {
      const row = this.#ahead[i]?.[table].get(id);
      if (row !== undefined) return row as ReturnType<Ahead[T]['get']>;
    }
    return this.#hot[table].get(id) as ReturnType<Ahead[T]['get']>;
  }

  /** In the order of commits: a later one is never applied before an earlier one. */
  #dropApplied(): void {
    let applied = 0;
    for (const { last } of this.#ahead) {
      if (last === undefined || last > this.#hot.revision) break;
      applied += 1;
    }
    if (applied > 0) this.#ahead.splice(0, applied);
  }
}

function byId<R extends { readonly id: number }>({ created, changed }: Written<R>): Map<number, R> {
  const rows = new Map<number, R>();
  for (const row of created) rows.set(row.id, row);
  for (const { after } of changed) rows.set(after.id, after);
  return rows;
}
