/**
 * Tells each change to the sessions of this node that must hear of it. Listens to the replica, computes the audience
 * from the rows before and after, keeps the ring, and flushes every session that heard something once per tick.
 */
import { operatorTopic, pageTopic, type Topic, visitorTopic } from '../domain/audience.ts';
import type { Revision } from '../domain/change.ts';
import type { Messages, Metrics } from '../ports/index.ts';
import type { RenderedDelta } from '../protocol/delta.ts';
import type { AppliedChange, Replica, ReplicaListener } from '../sync/replica.ts';
import { type HearerKind, type Rendering, Renderings } from './renderings.ts';
import { Ring } from './ring.ts';
import { type Subscriber, Subscribers } from './subscribers.ts';
import { FirstMessages } from './first-messages.ts';

export interface HubOptions {
  readonly replica: Replica;
  readonly messages: Messages;
  readonly metrics: Metrics;
  readonly ringBytes: number;
  readonly defaultMaxChats: number;
}

export class Hub implements ReplicaListener {
  readonly #options: HubOptions;
  readonly #firstMessages = new FirstMessages();
  readonly #renderings: Renderings;
  readonly #ring: Ring;
  readonly #subscribers = new Subscribers();
  readonly #toFlush = new Set<Subscriber>();
  /** What operators may see changed at this revision: an older `since` of theirs needs a full update. */
  readonly #visibleSince = new Map<Topic, Revision>();
  #flushing: NodeJS.Immediate | undefined;
  #size = 0;

  constructor(options: HubOptions) {
    this.#options = options;
    this.#renderings = new Renderings({ ...options, firstMessages: this.#firstMessages });
    this.#ring = new Ring(options.ringBytes, (applied, kind) => this.#renderings.render(applied, kind));
    options.replica.listen(this);
    options.metrics.gauge('hub_ring_bytes', 'Changes kept for clients that come back (at most ring_megabytes)', () => this.#ring.bytes);
    options.metrics.gauge('hub_sessions', 'Sessions and held polls that listen on this node', () => this.#size);
  }

  get revision(): Revision {
    return this.#options.replica.revision;
  }

  subscribe(subscriber: Subscriber): void {
    this.#size += 1;
    for (const topic of subscriber.topics) this.#subscribers.add(topic, subscriber);
  }

  unsubscribe(subscriber: Subscriber): void {
    let listened = false;
    for (const topic of subscriber.topics) listened = this.#subscribers.delete(topic, subscriber) || listened;
    if (listened) this.#size -= 1;
    this.#toFlush.delete(subscriber);
  }

  /** Everything these topics heard after `since`, or undefined when only a full update can tell. */
  missed(topics: readonly Topic[], since: Revision): Rendering[] | undefined {
    if (since > this.revision || !this.#ring.covers(since)) return undefined;
    if (topics.some(topic => (this.#visibleSince.get(topic) ?? 0) > since)) return undefined;
    return this.#ring.missed(topics, since);
  }

  /** Does anybody here listen to this topic? */
  isHeard(topic: Topic): boolean {
    for (const { isListening } of this.#subscribers.of(topic)) if (isListening) return true;
    return false;
  }

  /** Answers the polls that are held for this topic and not for the other one. */
  answerOthers(topic: Topic, except: Topic): void {
    this.#forEach(topic, subscriber => {
      if (!subscriber.topics.includes(except)) subscriber.answer?.();
    });
  }

  /** Signals and derived values: to those who listen now, without a revision of their own. */
  tell(topics: readonly Topic[], deltas: readonly RenderedDelta[]): void {
    const told = new Set<Subscriber>();
    for (const topic of topics) for (const subscriber of this.#subscribers.of(topic)) told.add(subscriber);
    for (const subscriber of told) if (subscriber.isListening) subscriber.tell(deltas);
  }

  applied(applied: AppliedChange): void {
    this.#firstMessages.applied(applied);
    const hearers = this.#renderings.hearersOf(applied);
    this.#ring.push({ applied, hearers });
    // Rendered once for each kind of hearer, when the first of them is here.
    let rendered: Map<HearerKind, Rendering> | undefined;
    for (const { topic, kind } of hearers) {
      for (const subscriber of this.#subscribers.of(topic)) {
        if (!subscriber.isListening || subscriber.lastHeard === applied.revision) continue;
        subscriber.lastHeard = applied.revision;
        let rendering = rendered?.get(kind);
        if (rendering === undefined) {
          rendering = this.#renderings.render(applied, kind);
          if (rendering instanceof Promise) rendering.catch(() => undefined); // told to those who await it, if there are any
          (rendered ??= new Map()).set(kind, rendering);
        }
        subscriber.hear(rendering);
        this.#toFlush.add(subscriber);
      }
    }
    this.#end(applied);
  }

  committed(): void {
    if (this.#toFlush.size > 0) this.#flushing ??= setImmediate(() => this.#flush());
  }

  reloaded(revision: Revision): void {
    this.#ring.clear(revision);
    this.#renderings.forget();
    this.#firstMessages.clear();
    this.#visibleSince.clear();
    for (const subscriber of this.#subscribers.all()) subscriber.restart();
  }

  stop(): void {
    clearImmediate(this.#flushing);
  }

  #flush(): void {
    this.#flushing = undefined;
    const heard = [...this.#toFlush];
    this.#toFlush.clear();
    for (const subscriber of heard) subscriber.flush(this.revision);
  }

  /** On a copy: the called may unsubscribe. */
  #forEach(topic: Topic, call: (subscriber: Subscriber) => void): void {
    for (const subscriber of [...this.#subscribers.of(topic)]) call(subscriber);
  }

  /** Ends and restarts the sessions that this change is about. */
  #end({ change, revision, operatorBefore }: AppliedChange): void {
    if (change.type === 'page-ended') {
      this.#forEach(pageTopic(change.pageId), subscriber => subscriber.end());
    } else if (change.type === 'visitor-banned' && change.ban !== null) {
      this.#forEach(visitorTopic(change.visitorId), subscriber => subscriber.end()); // told why when he comes back
    } else if (change.type === 'operator-sessions-ended') {
      this.#forEach(operatorTopic(change.operatorId), subscriber => subscriber.end(change.tokenHash));
    } else if (change.type === 'operator-saved' && operatorBefore !== undefined) {
      const topic = operatorTopic(change.operator.id);
      const same = (['departmentKeys', 'roles'] as const).every(key => String(operatorBefore[key]) === String(change.operator[key]));
      if (same) return;
      this.#visibleSince.set(topic, revision);
      this.#forEach(topic, subscriber => subscriber.restart());
    }
  }
}
