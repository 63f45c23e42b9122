/**
 * Waiting chats in sub-queues, each in the order of their places: chats of one department, language and kind (offline or
 * not) wait for the same people. Kept up to date chat by chat, so that a plan looks at the heads and not at thousands.
 */
import { type Chat, isWaiting, placeOf } from './chat.ts';

export interface SubQueue {
  readonly departmentKey: string | null;
  readonly lang: string;
  readonly offline: boolean;
  /** In the order in which they are given to operators. */
  readonly chats: Line;
}

/** Chats by their places. Those at the front go first: taking one away there costs nothing, however many wait. */
export class Line implements Iterable<Chat> {
  #chats: Chat[] = [];
  /** What is before it has gone. */
  #front = 0;

  get length(): number {
    return this.#chats.length - this.#front;
  }

  /** 0: the next one. */
  at(index: number): Chat | undefined {
    return this.#chats[this.#front + index];
  }

  *[Symbol.iterator](): Iterator<Chat> {
    for (let i = this.#front; i < this.#chats.length; i++) yield this.#chats[i] as Chat;
  }

  /** Where it stands, or would stand. */
  indexOf(chat: Chat): number {
    return this.#find(chat) - this.#front;
  }

  insert(chat: Chat): void {
    this.#chats.splice(this.#find(chat), 0, chat);
  }

  replace(chat: Chat): void {
    this.#chats[this.#find(chat)] = chat;
  }

  /** Was it there? */
  remove(chat: Chat): boolean {
    const at = this.#find(chat);
    if (this.#chats[at]?.id !== chat.id) return false;
    if (at > this.#front) {
      this.#chats.splice(at, 1);
      return true;
    }
    this.#front += 1;
    if (this.#front > 64 && this.#front * 2 > this.#chats.length) {
      this.#chats = this.#chats.slice(this.#front);
      this.#front = 0;
    }
    return true;
  }

  #find(chat: Chat): number {
    let [low, high] = [this.#front, this.#chats.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (comparePlaces(this.#chats[middle] as Chat, chat) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export class SubQueues implements Iterable<SubQueue> {
  readonly #byKey = new Map<string, SubQueue>();
  #size = 0;

  /** Chats in all of them. */
  get size(): number {
    return this.#size;
  }

  clear(): void {
    this.#byKey.clear();
    this.#size = 0;
  }

  /** A chat has changed: rows as they were before and are now. */
  update(before: Chat | undefined, after: Chat | undefined): void {
    const was = before !== undefined && isWaiting(before) ? before : undefined;
    const is = after !== undefined && isWaiting(after) ? after : undefined;
    if (was !== undefined && is !== undefined && isInSamePlace(was, is)) {
      this.#of(is).chats.replace(is);
      return;
    }
    if (was !== undefined) this.#remove(was);
    if (is !== undefined) this.#insert(is);
  }

  *[Symbol.iterator](): Iterator<SubQueue> {
    yield* this.#byKey.values();
  }

  /** How many of the department's chats of this kind go before this one, whatever their language. */
  ahead(chat: Chat): number {
    let count = 0;
    for (const { departmentKey, offline, chats } of this.#byKey.values()) {
      if (departmentKey === chat.departmentKey && offline === chat.offline) count += chats.indexOf(chat);
    }
    return count;
  }

  count(departmentKey: string | null): number {
    let count = 0;
    for (const queue of this.#byKey.values()) if (queue.departmentKey === departmentKey) count += queue.chats.length;
    return count;
  }

  #insert(chat: Chat): void {
    this.#of(chat).chats.insert(chat);
    this.#size += 1;
  }

  #remove(chat: Chat): void {
    const { chats } = this.#of(chat);
    if (chats.remove(chat)) this.#size -= 1;
    if (chats.length === 0) this.#byKey.delete(keyOf(chat));
  }

  #of(chat: Chat): SubQueue {
    const key = keyOf(chat);
    let queue = this.#byKey.get(key);
    if (queue === undefined) {
      const { departmentKey, lang, offline } = chat;
      queue = { departmentKey, lang, offline, chats: new Line() };
      this.#byKey.set(key, queue);
    }
    return queue;
  }
}

/** By place, then by id: every node finds the same order. */
export function comparePlaces(a: Chat, b: Chat): number {
  return placeOf(a) - placeOf(b) || a.id - b.id;
}

function keyOf({ departmentKey, lang, offline }: Chat): string {
  return `${offline ? 'offline' : 'online'} ${lang} ${departmentKey ?? ''}`;
}

function isInSamePlace(a: Chat, b: Chat): boolean {
  return a.departmentKey === b.departmentKey && a.lang === b.lang && a.offline === b.offline && comparePlaces(a, b) === 0;
}
