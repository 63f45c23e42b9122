/** Who listens to which topic. Most topics are a visitor's or a page's and have one listener: that one needs no set. */
import type { Topic } from '../domain/audience.ts';
import type { Subscriber } from './hub.ts';

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
