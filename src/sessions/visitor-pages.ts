/**
 * Who a visitor's call is from: page id and token. Tokens are derived from the page id with the installation's
 * secret: nothing is stored, every node can check them, and later they can sign links. Pages are looked up in batches
 * and cached; the end of a page is a change that drops it on every node.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { ChatError } from '../domain/error.ts';
import type { Page } from '../domain/visitor.ts';
import type { Clock, Metrics, OpenedPage, PageOpening, Pages, PageVisitor } from '../ports.ts';
import type { AppliedChange, Replica } from '../sync/replica.ts';
import { ExpiringMap } from './expiring-map.ts';

const MAX_CACHED = 100_000;
/** A change that could not be heard (a reload) is made up for within this time. */
const CACHE_MS = 60_000;

export class VisitorPages {
  readonly #pages: Pages;
  readonly #secret: string;
  readonly #cache: ExpiringMap<string, Page>;

  constructor(options: {
    readonly pages: Pages;
    readonly secret: string;
    readonly replica: Replica;
    readonly clock: Clock;
    readonly metrics: Metrics;
  }) {
    this.#pages = options.pages;
    this.#secret = options.secret;
    this.#cache = new ExpiringMap(options.clock, MAX_CACHED);
    options.metrics.gauge('visitor_pages_cached', 'Pages of visitors in memory (at most 100000)', () => this.#cache.size);
    options.replica.listen({
      applied: ({ change }: AppliedChange) => {
        if (change.type === 'page-ended') this.#cache.delete(change.pageId);
      },
      committed: () => undefined,
      reloaded: () => undefined,
    });
  }

  open(opening: PageOpening): Promise<OpenedPage> {
    return this.#pages.open(opening);
  }

  findVisitor(page: Page): Promise<PageVisitor | undefined> {
    return this.#pages.findVisitor(page);
  }

  async setPushToken(pageId: string, pushToken: string | null): Promise<void> {
    await this.#pages.setPushToken(pageId, pushToken);
  }

  tokenOf(pageId: string): string {
    return createHmac('sha256', this.#secret).update(pageId).digest('hex').slice(0, 32);
  }

  /** Throws `reinit-required` for a page that is not known or has ended, or another's token: an SDK then inits again. */
  async authenticate(pageId: string, token: string): Promise<Page> {
    if (!isSameText(token, this.tokenOf(pageId))) throw reinit();
    const cached = this.#cache.get(pageId);
    if (cached !== undefined) return cached;
    const page = await this.#pages.find(pageId);
    if (page === undefined) throw reinit();
    this.#cache.set(pageId, page, CACHE_MS);
    return page;
  }
}

export function newId(): string {
  return randomBytes(16).toString('hex');
}

/** For the random half of a message id. */
export function newNonce(): string {
  return randomBytes(8).toString('hex');
}

export function reinit(): ChatError {
  return new ChatError('reinit-required', 'reinit-required', 'this page is not known any more');
}

function isSameText(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}
