/**
 * The place of each waiting visitor in the queue and how long he will wait, live and without a change for each move: every few
 * seconds those who have moved are told, the first ones more often. Told as a derived value, QUEUE, which apps that do not
 * know it pass over.
 */
import { visitorTopic } from '../domain/audience.ts';
import { type Chat, isWaiting } from '../domain/chat.ts';
import { Departures } from '../domain/queue-estimate.ts';
import { render } from '../protocol/delta.ts';
import type { Microseconds } from '../domain/time.ts';
import type { AppliedChange, Replica } from '../sync/replica.ts';
import type { WaitingChats } from '../sync/waiting-chats.ts';
import type { Hub } from './hub.ts';

const TELL_EVERY_MS = 1_000;
/** Those at the front are told at once, the others every so many turns: each telling ends a held poll. */
const FRONT = 5;
const TURNS = 5;

export interface QueuePlace {
  /** 1: the next one. */
  readonly position: number;
  /** null: nobody can tell. */
  readonly estimateSeconds: number | null;
}

export interface QueuePlacesOptions {
  readonly replica: Replica;
  readonly hub: Hub;
  readonly waiting: WaitingChats;
  /** The database's time. */
  readonly nowUs: () => Microseconds;
}

export class QueuePlaces {
  readonly #options: QueuePlacesOptions;
  readonly #departures = new Map<string | null, Departures>();
  /** What those were told who wait: at most as many as there are open chats. */
  readonly #told = new Map<number, string>();
  #timer: NodeJS.Timeout | undefined;
  #turn = 0;

  constructor(options: QueuePlacesOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.#tell(), TELL_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  applied({ change, chatBefore, chatAfter }: AppliedChange): void {
    if (chatBefore === undefined || chatAfter === chatBefore || !isWaiting(chatBefore)) return;
    if (change.type !== 'chat-moved' || (change.move !== 'assigned' && change.move !== 'taken')) return;
    const { departmentKey } = chatBefore;
    let departures = this.#departures.get(departmentKey);
    if (departures === undefined) this.#departures.set(departmentKey, (departures = new Departures()));
    departures.add(change.atUs);
  }

  placeOf(chat: Chat): QueuePlace | undefined {
    return isWaiting(chat) ? this.#place(chat, this.#options.waiting.queues.ahead(chat) + 1) : undefined;
  }

  #place({ departmentKey, offline }: Chat, position: number): QueuePlace {
    const estimate = offline ? undefined : this.#departures.get(departmentKey)?.estimate(position, this.#options.nowUs());
    return { position, estimateSeconds: estimate ?? null };
  }

  #tell(): void {
    const { waiting, hub, replica } = this.#options;
    this.#turn = (this.#turn + 1) % TURNS;
    for (const id of this.#told.keys()) {
      const chat = replica.chats.get(id);
      if (chat !== undefined && isWaiting(chat)) continue;
      this.#told.delete(id);
      // Who was asked to take it has it in hand: the visitor waits for one person now, not in a queue.
      if (chat !== undefined) hub.tell([visitorTopic(chat.visitorId)], [queueDelta(chat, null)]);
    }
    for (const queue of waiting.queues) {
      if (queue.offline) continue;
      let index = -1;
      for (const chat of queue.chats) {
        index += 1;
        if (index >= FRONT && this.#turn !== chat.id % TURNS) continue;
        const topic = visitorTopic(chat.visitorId);
        if (!hub.isHeard(topic)) continue;
        const place = this.placeOf(chat);
        const text = JSON.stringify(place);
        if (place === undefined || this.#told.get(chat.id) === text) continue;
        this.#told.set(chat.id, text);
        hub.tell([topic], [queueDelta(chat, place)]);
      }
    }
  }
}

function queueDelta(chat: Chat, place: QueuePlace | null) {
  return render({ objectType: 'QUEUE', event: 'upd', id: chat.visitSessionId, data: place });
}
