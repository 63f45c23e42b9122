/**
 * The last changes with who heard of them, bounded in bytes: a client that comes back with a `since` inside the ring
 * is answered from it, any other gets a full update. The change log is never read for a client.
 *
 * Entries are also listed by topic, so that a resume costs what the client missed, not what the ring holds.
 */
import type { Topic } from '../domain/audience.ts';
import type { Revision } from '../domain/change.ts';
import type { RenderedDelta } from '../protocol/delta.ts';

/** How a class of hearers sees a change; rendered when the first of them needs it. */
export type Rendering = readonly RenderedDelta[] | Promise<readonly RenderedDelta[]>;

/** All of them as deltas, in order. */
export async function awaitRenderings(renderings: readonly Rendering[]): Promise<RenderedDelta[]> {
  const deltas: RenderedDelta[] = [];
  for (const rendering of renderings) deltas.push(...(await rendering));
  return deltas;
}

export interface RingEntry {
  readonly revision: Revision;
  /** In order of precedence: a session hears the first of its topics. */
  readonly hearers: readonly { readonly topic: Topic; readonly render: () => Rendering }[];
  readonly bytes: number;
}

export class Ring {
  readonly #maxBytes: number;
  readonly #entries: RingEntry[] = [];
  readonly #byTopic = new Map<Topic, RingEntry[]>();
  #head = 0;
  #bytes = 0;
  /** Everything behind this revision is in the ring. */
  #floor: Revision = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  clear(revision: Revision): void {
    this.#entries.length = 0;
    this.#byTopic.clear();
    this.#head = 0;
    this.#bytes = 0;
    this.#floor = revision;
  }

  push(entry: RingEntry): void {
    this.#entries.push(entry);
    this.#bytes += entry.bytes;
    for (const { topic } of entry.hearers) {
      const list = this.#byTopic.get(topic);
      if (list === undefined) this.#byTopic.set(topic, [entry]);
      else if (list.at(-1) !== entry) list.push(entry);
    }
    while (this.#bytes > this.#maxBytes) this.#dropOldest();
  }

  covers(since: Revision): boolean {
    return since >= this.#floor;
  }

  /** What a session with these topics has missed since then, in order. Only when `covers(since)`. */
  missed(topics: readonly Topic[], since: Revision): Rendering[] {
    const found = new Set<RingEntry>();
    for (const topic of topics) {
      const list = this.#byTopic.get(topic) ?? [];
      for (let i = list.length - 1; i >= 0; i--) {
        const entry = list[i];
        if (entry === undefined || entry.revision <= since) break;
        found.add(entry);
      }
    }
    const mine = new Set(topics);
    return [...found]
      .sort((a, b) => a.revision - b.revision)
      .map(entry => entry.hearers.find(hearer => mine.has(hearer.topic))?.render() ?? []);
  }

  #dropOldest(): void {
    const entry = this.#entries[this.#head];
    if (entry === undefined) return;
    this.#head += 1;
    this.#bytes -= entry.bytes;
    this.#floor = entry.revision;
    for (const { topic } of entry.hearers) {
      const list = this.#byTopic.get(topic);
      if (list?.[0] === entry) list.shift();
      if (list?.length === 0) this.#byTopic.delete(topic);
    }
    // The array is compacted now and then, not at every entry.
    if (this.#head > 10_000 && this.#head * 2 > this.#entries.length) {
      this.#entries.splice(0, this.#head);
      this.#head = 0;
    }
  }
}
