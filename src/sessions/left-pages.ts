/**
 * Pages without rows that their device has left for another one: an app inits again and expects its older page to end. There is no
 * row to end, so nodes tell each other, and remember for a while. Where that is lost nothing is: the older page goes on as one more
 * of the same visitor.
 */
import { deviceTopic, pageTopic, type Topic } from '../domain/audience.ts';
import type { PagesLeft } from '../domain/signal.ts';
import type { Page } from '../domain/visitor.ts';
import type { Clock } from '../ports.ts';
import { ExpiringMap } from './expiring-map.ts';

const MAX_REMEMBERED = 20_000;
const HOUR_MS = 3_600_000;

export class LeftPages {
  readonly #endOthers: (topic: Topic, except: Topic) => void;
  /** The newest page of a device. */
  readonly #newest: ExpiringMap<Topic, string>;

  /** `endOthers`: ends the sessions of this node that listen to the one topic and not to the other. */
  constructor(clock: Clock, endOthers: (topic: Topic, except: Topic) => void) {
    this.#endOthers = endOthers;
    this.#newest = new ExpiringMap(clock, MAX_REMEMBERED);
  }

  leave({ visitorId, deviceId, pageId }: PagesLeft): void {
    const topic = deviceTopic(visitorId, deviceId);
    this.#newest.set(topic, pageId, HOUR_MS);
    this.#endOthers(topic, pageTopic(pageId));
  }

  has(page: Page): boolean {
    const topic = topicOf(page);
    const newest = topic === undefined ? undefined : this.#newest.get(topic);
    return newest !== undefined && newest !== page.id;
  }
}

/** What the sessions of such a page listen to besides; undefined for any other. */
export function topicOf({ visitorId, rowless }: Page): Topic | undefined {
  return rowless === undefined || rowless.deviceId === '' ? undefined : deviceTopic(visitorId, rowless.deviceId);
}
