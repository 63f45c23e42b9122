/**
 * Tells each change to the sessions of this node that must hear of it. Listens to the replica, computes the audience
 * from the rows before and after, keeps the ring, and flushes every session that heard something once per tick.
 */
import { ALL_OPERATORS, hearersOf, type Hearing, operatorTopic, pageTopic, type Topic, visitorTopic } from '../domain/audience.ts';
import type { Revision } from '../domain/change.ts';
import type { Chat } from '../domain/chat.ts';
import type { Messages, Metrics } from '../ports.ts';
import { type RenderedDelta, render } from '../protocol/delta.ts';
import { chatDeltas, ownChat } from '../protocol/operator-deltas.ts';
import { operatorMessage, operatorObject, operatorStatus } from '../protocol/operator-objects.ts';
import { visitorDeltas } from '../protocol/visitor-deltas.ts';
import type { AppliedChange, Replica, ReplicaListener } from '../sync/replica.ts';
import { type Rendering, Ring } from './ring.ts';

/** Messages that an operator gets with a chat. */
export const CHAT_MESSAGES = 50;

/** What a session is to the hub. */
export interface Subscriber {
  readonly topics: readonly Topic[];
  /** The change this subscriber was told last: a second topic of the same change is passed over. */
  lastHeard: Revision;
  hear(rendering: Rendering): void;
  /** End of the tick: send what was heard, as of this revision. */
  flush(revision: Revision): void;
  /** Signals and derived values: now or never. */
  tell(deltas: readonly RenderedDelta[]): void;
  /** Memory was rebuilt, or what this session may see has changed: start again with a full update. */
  restart(): void;
  /** The page, login or operator behind this session has ended. `tokenHash` null: all of the operator's. */
  end(tokenHash?: string | null): void;
}

export interface HubOptions {
  readonly replica: Replica;
  readonly messages: Messages;
  readonly metrics: Metrics;
  readonly ringBytes: number;
  readonly defaultMaxChats: number;
}

export class Hub implements ReplicaListener {
  readonly #options: HubOptions;
  readonly #ring: Ring;
  readonly #subscribers = new Map<Topic, Set<Subscriber>>();
  readonly #toFlush = new Set<Subscriber>();
  /** What operators may see changed at this revision: an older `since` of theirs needs a full update. */
  readonly #visibleSince = new Map<Topic, Revision>();
  #flushing: NodeJS.Immediate | undefined;
  #size = 0;

  constructor(options: HubOptions) {
    this.#options = options;
    this.#ring = new Ring(options.ringBytes);
    options.replica.listen(this);
    options.metrics.gauge('hub_ring_bytes', 'Changes kept for clients that come back (at most ring_megabytes)', () => this.#ring.bytes);
    options.metrics.gauge('hub_sessions', 'Sessions and held polls that listen on this node', () => this.#size);
  }

  get revision(): Revision {
    return this.#options.replica.revision;
  }

  subscribe(subscriber: Subscriber): void {
    this.#size += 1;
    for (const topic of subscriber.topics) {
      const set = this.#subscribers.get(topic);
      if (set === undefined) this.#subscribers.set(topic, new Set([subscriber]));
      else set.add(subscriber);
    }
  }

  unsubscribe(subscriber: Subscriber): void {
    let listened = false;
    for (const topic of subscriber.topics) {
      const set = this.#subscribers.get(topic);
      listened = set?.delete(subscriber) === true || listened;
      if (set?.size === 0) this.#subscribers.delete(topic);
    }
    if (listened) this.#size -= 1;
    this.#toFlush.delete(subscriber);
  }

  /** Everything these topics heard after `since`, or undefined when only a full update can tell. */
  missed(topics: readonly Topic[], since: Revision): Rendering[] | undefined {
    if (since > this.revision || !this.#ring.covers(since)) return undefined;
    if (topics.some(topic => (this.#visibleSince.get(topic) ?? 0) > since)) return undefined;
    return this.#ring.missed(topics, since);
  }

  /** Signals and derived values: to those who listen now, without a revision of their own. */
  tell(topics: readonly Topic[], deltas: readonly RenderedDelta[]): void {
    const told = new Set<Subscriber>();
    for (const topic of topics) for (const subscriber of this.#subscribers.get(topic) ?? []) told.add(subscriber);
    for (const subscriber of told) subscriber.tell(deltas);
  }

  applied(applied: AppliedChange): void {
    const hearers = this.#hearersOf(applied);
    this.#ring.push({ revision: applied.revision, hearers, bytes: applied.bytes + 200 });
    for (const { topic, render: rendering } of hearers) {
      for (const subscriber of this.#subscribers.get(topic) ?? []) {
        if (subscriber.lastHeard === applied.revision) continue;
        subscriber.lastHeard = applied.revision;
        subscriber.hear(rendering());
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
    this.#visibleSince.clear();
    for (const subscriber of this.#everybody()) subscriber.restart();
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
    for (const subscriber of [...(this.#subscribers.get(topic) ?? [])]) call(subscriber);
  }

  #everybody(): Set<Subscriber> {
    return new Set([...this.#subscribers.values()].flatMap(set => [...set]));
  }

  #hearersOf(applied: AppliedChange): { topic: Topic; render: () => Rendering }[] {
    const { change, chatBefore, chatAfter } = applied;
    const { replica, defaultMaxChats } = this.#options;
    switch (change.type) {
      case 'operator-status-set': {
        const { status, atUs, reason } = change;
        const data = operatorStatus({ status, statusUs: atUs, statusReason: reason });
        return [
          {
            topic: ALL_OPERATORS,
            render: once(() => [render({ objectType: 'OPERATOR_STATUS', event: 'upd', id: change.operatorId, data })]),
          },
        ];
      }
      case 'operator-saved': {
        const { operator } = change;
        const event = applied.operatorBefore === undefined ? 'add' : 'upd';
        const data = operatorObject(operator, defaultMaxChats);
        return [{ topic: ALL_OPERATORS, render: once(() => [render({ objectType: 'OPERATOR', event, id: operator.id, data })]) }];
      }
      case 'department-saved':
      case 'page-ended':
      case 'operator-sessions-ended':
        return []; // departments are told as derived values, the others by end()
      default:
        return this.#hearersOfChat(applied, chatBefore, chatAfter ?? chatBefore, replica);
    }
  }

  #hearersOfChat(
    applied: AppliedChange,
    before: Chat | undefined,
    after: Chat | undefined,
    replica: Replica,
  ): { topic: Topic; render: () => Rendering }[] {
    const { change } = applied;
    const visitorId = after?.visitorId ?? (change.type === 'message-edited' ? change.message.visitorId : undefined);
    if (visitorId === undefined) return [];
    const operator = after?.operatorId == null ? undefined : replica.operators.get(after.operatorId);
    const visitor = { topic: visitorTopic(visitorId), render: once(() => visitorDeltas(change, { before, after, operator }).map(render)) };
    if (after === undefined) return [visitor];
    const renderings = new Map<Hearing, () => Rendering>();
    const renderingOf = (hearing: Hearing): (() => Rendering) => {
      let rendering = renderings.get(hearing);
      if (rendering === undefined) {
        rendering =
          hearing === 'own' ? loadOnce(() => this.#ownChat(after)) : once(() => chatDeltas(change, before, after, hearing).map(render));
        renderings.set(hearing, rendering);
      }
      return rendering;
    };
    return [visitor, ...hearersOf(before, after, replica.operators).map(({ topic, hearing }) => ({ topic, render: renderingOf(hearing) }))];
  }

  async #ownChat(chat: Chat): Promise<readonly RenderedDelta[]> {
    return [render(ownChat(chat, await chatMessages(this.#options.messages, chat)))];
  }

  /** Ends and restarts the sessions that this change is about. */
  #end({ change, revision, operatorBefore }: AppliedChange): void {
    if (change.type === 'page-ended') {
      this.#forEach(pageTopic(change.pageId), subscriber => subscriber.end());
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

/** The chat's last messages as its operator sees them, none newer than the header. */
export async function chatMessages(messages: Messages, chat: Chat): Promise<object[]> {
  if (chat.lastMessage === null) return [];
  const { id: chatId, visitorId, lastMessage } = chat;
  const list = await messages.listOfChat({ chatId, visitorId, upToUs: lastMessage.tsUs, limit: CHAT_MESSAGES });
  return list.map(message => operatorMessage(message, message.read));
}

function once<T>(compute: () => T): () => T {
  let value: { readonly is: T } | undefined;
  return () => {
    value ??= { is: compute() };
    return value.is;
  };
}

/** Like `once`, but a look-up that failed is tried again by the next who asks, and nobody needs to have asked. */
function loadOnce<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () => {
    if (loading === undefined) {
      loading = load();
      loading.catch(() => {
        loading = undefined;
      });
    }
    return loading;
  };
}
