/**
 * Pages without rows that their device has left for another one: an app inits again and expects its older page to end. There is no
 * row to end, so nodes tell each other, and remember for a while. Where that is lost nothing is: the older page goes on as one more
 * of the same visitor.
 */
import { devicePageTopic, type Topic } from '../domain/audience.ts';
import type { PageLeft } from '../domain/signal.ts';
import type { Page } from '../domain/visitor.ts';
import type { Clock } from '../ports.ts';
import { ExpiringMap } from './expiring-map.ts';

const MAX_REMEMBERED = 20_000;
const HOUR_MS = 3_600_000;

export class LeftPages {
  readonly #end: (topic: Topic) => void;
  readonly #left: ExpiringMap<Topic, true>;

  /** `end`: ends the sessions of this node that listen to a topic. */
  constructor(clock: Clock, end: (topic: Topic) => void) {
    this.#end = end;
    this.#left = new ExpiringMap(clock, MAX_REMEMBERED);
  }

  leave(page: PageLeft): void {
    const topic = devicePageTopic(page);
    this.#left.set(topic, true, HOUR_MS);
    this.#end(topic);
  }

  has(page: Page): boolean {
    const topic = topicOf(page);
    return topic !== undefined && this.#left.get(topic) !== undefined;
  }
}

/** What the sessions of such a page listen to; undefined for any other. */
export function topicOf({ visitorId, visitSessionId, rowless }: Page): Topic | undefined {
  if (rowless === undefined || rowless.deviceId === '') return undefined;
  return devicePageTopic({ visitorId, visitSessionId, deviceId: rowless.deviceId });
}
