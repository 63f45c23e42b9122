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
  readonly chats: readonly Chat[];
}

export class SubQueues implements Iterable<SubQueue> {
  readonly #byKey = new Map<string, SubQueue & { readonly chats: Chat[] }>();
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
      const queue = this.#of(is);
      queue.chats[indexOf(queue.chats, is)] = is;
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
      if (departmentKey === chat.departmentKey && offline === chat.offline) count += indexOf(chats, chat);
    }
    return count;
  }

  count(departmentKey: string | null): number {
    let count = 0;
    for (const queue of this.#byKey.values()) if (queue.departmentKey === departmentKey) count += queue.chats.length;
    return count;
  }

  #insert(chat: Chat): void {
    const { chats } = this.#of(chat);
    chats.splice(indexOf(chats, chat), 0, chat);
    this.#size += 1;
  }

  #remove(chat: Chat): void {
    const queue = this.#of(chat);
    const index = indexOf(queue.chats, chat);
    if (queue.chats[index]?.id !== chat.id) return;
    queue.chats.splice(index, 1);
    this.#size -= 1;
    if (queue.chats.length === 0) this.#byKey.delete(keyOf(chat));
  }

  #of(chat: Chat): SubQueue & { readonly chats: Chat[] } {
    const key = keyOf(chat);
    let queue = this.#byKey.get(key);
    if (queue === undefined) {
      const { departmentKey, lang, offline } = chat;
      queue = { departmentKey, lang, offline, chats: [] };
      this.#byKey.set(key, queue);
    }
    return queue;
  }
}

/** By place, then by id: every node finds the same order. */
export function comparePlaces(a: Chat, b: Chat): number {
  return placeOf(a) - placeOf(b) || a.id - b.id;
}

/** Where it stands, or would stand. */
function indexOf(chats: readonly Chat[], chat: Chat): number {
  let [low, high] = [0, chats.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (comparePlaces(chats[middle] as Chat, chat) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function keyOf({ departmentKey, lang, offline }: Chat): string {
  return `${offline ? 'offline' : 'online'} ${lang} ${departmentKey ?? ''}`;
}

function isInSamePlace(a: Chat, b: Chat): boolean {
  return a.departmentKey === b.departmentKey && a.lang === b.lang && a.offline === b.offline && comparePlaces(a, b) === 0;
}
