/**
 * The last changes with who heard of them, bounded in bytes: a client that comes back with a `since` inside the ring
 * is answered from it, any other gets a full update. The change log is never read for a client.
 *
 * Entries are also listed by topic, so that a resume costs what the client missed, not what the ring holds. They hold
 * rows that the replica has made anyhow; texts are made for the first who comes back, and kept for the next.
 */
import { PAGE_BYTES } from '../domain/answer-bytes.ts';
import type { Topic } from '../domain/audience.ts';
import type { Revision } from '../domain/change.ts';
import type { AppliedChange } from '../sync/replica.ts';
import type { HearerKind, Rendering, ToldTo } from './renderings.ts';

/** A change's rows in memory, beside its texts: measured ~1 KB with the headers of its chat before and after. */
const ENTRY_BYTES = 1_000;

/** Of a chat with its messages, counted before they are there: few are as large as CHAT_BYTES. */
const LOOKED_UP_BYTES = 32_768;

export interface RingEntry {
  readonly applied: AppliedChange;
  readonly hearers: readonly ToldTo[];
}

type Render = (applied: AppliedChange, kind: HearerKind) => Rendering;

interface Kept extends RingEntry {
  bytes: number;
  rendered: Map<HearerKind, Rendering> | undefined;
}

export class Ring {
  readonly #maxBytes: number;
  readonly #render: Render;
  readonly #entries = new Queue<Kept>();
  readonly #byTopic = new EntriesByTopic();
  #bytes = 0;
  /** Everything behind this revision is in the ring. */
  #floor: Revision = 0;

  constructor(maxBytes: number, render: Render) {
    this.#maxBytes = maxBytes;
    this.#render = render;
  }

  get bytes(): number {
    return this.#bytes;
  }

  clear(revision: Revision): void {
    this.#entries.clear();
    this.#byTopic.clear();
    this.#bytes = 0;
    this.#floor = revision;
  }

  push({ applied, hearers }: RingEntry): void {
    const kept: Kept = { applied, hearers, bytes: applied.bytes + ENTRY_BYTES, rendered: undefined };
    this.#entries.push(kept);
    this.#bytes += kept.bytes;
    for (const { topic } of hearers) this.#byTopic.add(topic, kept);
    while (this.#bytes > this.#maxBytes) this.#dropOldest();
  }

  covers(since: Revision): boolean {
    return since >= this.#floor;
  }

  /**
   * What a session with these topics has missed since then, in order; undefined when that is more than an answer may be. Only when
   * `covers(since)`.
   */
  missed(topics: readonly Topic[], since: Revision): Rendering[] | undefined {
    const found = new Set<Kept>();
    for (const topic of topics) {
      for (const entry of this.#byTopic.newestFirst(topic)) {
        if (entry.applied.revision <= since) break;
        found.add(entry);
      }
    }
    if (found.size === 0) return [];
    const mine = new Set(topics);
    const missed: Rendering[] = [];
    let bytes = 0;
    for (const entry of [...found].sort((a, b) => a.applied.revision - b.applied.revision)) {
      const kind = entry.hearers.find(hearer => mine.has(hearer.topic))?.kind;
      if (kind === undefined) continue;
      const rendering = this.#rendered(entry, kind);
      bytes += bytesOf(rendering);
      if (bytes > PAGE_BYTES) return undefined;
      missed.push(rendering);
    }
    return missed;
  }

  #rendered(entry: Kept, kind: HearerKind): Rendering {
    const known = entry.rendered?.get(kind);
    if (known !== undefined) return known;
    const rendering = this.#render(entry.applied, kind);
    // What had to be looked up may have failed: the next who asks tries again.
    if (rendering instanceof Promise) return rendering;
    (entry.rendered ??= new Map()).set(kind, rendering);
    const bytes = bytesOf(rendering);
    entry.bytes += bytes;
    this.#bytes += bytes;
    return rendering;
  }

  #dropOldest(): void {
    const entry = this.#entries.shift();
    if (entry === undefined) return;
    this.#bytes -= entry.bytes;
    this.#floor = entry.applied.revision;
    for (const { topic } of entry.hearers) this.#byTopic.dropOldest(topic, entry);
  }
}

/** Looked up ones are chats with their messages. */
export function bytesOf(rendering: Rendering): number {
  if (rendering instanceof Promise) return LOOKED_UP_BYTES;
  return rendering.reduce((sum, delta) => sum + delta.json.length, 0);
}

/** Most topics are a visitor's with an entry or two: one alone has no list, two objects less for each of them. */
class EntriesByTopic {
  readonly #lists = new Map<Topic, Kept | Queue<Kept>>();

  clear(): void {
    this.#lists.clear();
  }

  /** Once, however many of a change's hearers have this topic. */
  add(topic: Topic, entry: Kept): void {
    const known = this.#lists.get(topic);
    if (known === undefined) this.#lists.set(topic, entry);
    else if (known instanceof Queue) {
      if (known.last !== entry) known.push(entry);
    } else if (known !== entry) {
      const list = new Queue<Kept>();
      list.push(known);
      list.push(entry);
      this.#lists.set(topic, list);
    }
  }

  *newestFirst(topic: Topic): Generator<Kept> {
    const known = this.#lists.get(topic);
    if (known instanceof Queue) yield* known.newestFirst();
    else if (known !== undefined) yield known;
  }

  dropOldest(topic: Topic, entry: Kept): void {
    const known = this.#lists.get(topic);
    if (known === entry) this.#lists.delete(topic);
    if (!(known instanceof Queue) || known.first !== entry) return;
    known.shift();
    if (known.length === 0) this.#lists.delete(topic);
  }
}

/** First in, first out, without moving the rest at each step: Array.shift copies all of a long array. */
class Queue<T> {
  #items: T[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  get first(): T | undefined {
    return this.#items[this.#head];
  }

  get last(): T | undefined {
    return this.#items.at(-1);
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    this.#head += 1;
    if (this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  clear(): void {
    this.#items = [];
    this.#head = 0;
  }

  *newestFirst(): Generator<T> {
    for (let i = this.#items.length - 1; i >= this.#head; i--) {
      const item = this.#items[i];
      if (item !== undefined) yield item;
    }
  }
}
