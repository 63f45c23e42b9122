/** Who listens to which topic. Most topics are a visitor's or a page's and have one listener: that one needs no set. */
import type { Topic } from '../domain/audience.ts';
import type { Revision } from '../domain/change.ts';
import type { RenderedDelta } from '../protocol/delta.ts';
import type { Rendering } from './renderings.ts';

/** What a session is to the hub. */
export interface Subscriber {
  readonly topics: readonly Topic[];
  /** False: until it is, it is told of its end and of restarts alone. */
  readonly isListening: boolean;
  /** The change this subscriber was told last: a second topic of the same change is passed over. */
  lastHeard: Revision;
  hear(rendering: Rendering): void;
  /** End of the tick: send what was heard, as of this revision. */
  flush(revision: Revision): void;
  /** Signals and derived values: now or never. */
  tell(deltas: readonly RenderedDelta[]): void;
  /** Memory was rebuilt, or what this session may see has changed: start again with a full update. */
  restart(): void;
  /** A held poll is answered though there is nothing to tell. */
  answer?(): void;
  /** The page, login or operator behind this session has ended. `tokenHash` null: all of the operator's. */
  end(tokenHash?: string | null): void;
}

const NOBODY: readonly Subscriber[] = [];

export class Subscribers {
  readonly #byTopic = new Map<Topic, Subscriber | Set<Subscriber>>();

  add(topic: Topic, subscriber: Subscriber): void {
    const known = this.#byTopic.get(topic);
    if (known === undefined) this.#byTopic.set(topic, subscriber);
    else if (known instanceof Set) known.add(subscriber);
    else if (known !== subscriber) this.#byTopic.set(topic, new Set([known, subscriber]));
  }

  /** Was it there? */
  delete(topic: Topic, subscriber: Subscriber): boolean {
    const known = this.#byTopic.get(topic);
    if (known === subscriber) return this.#byTopic.delete(topic);
    if (!(known instanceof Set) || !known.delete(subscriber)) return false;
    if (known.size === 0) this.#byTopic.delete(topic);
    return true;
  }

  of(topic: Topic): Iterable<Subscriber> {
    const known = this.#byTopic.get(topic);
    return known === undefined ? NOBODY : known instanceof Set ? known : [known];
  }

  all(): Set<Subscriber> {
    return new Set([...this.#byTopic.keys()].flatMap(topic => [...this.of(topic)]));
  }
}
