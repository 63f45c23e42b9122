/**
 * Who a visitor's call is from: page id and token. Tokens are derived from the page id with the installation's
 * secret: nothing is stored, every node can check them, and later they can sign links. Pages are looked up in batches
 * and cached; the end of a page is a change that drops it on every node.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { ChatError } from '../domain/error.ts';
import type { Microseconds } from '../domain/time.ts';
import { type Ban, isBanned, type Page } from '../domain/visitor.ts';
import type { Clock, FoundPage, Metrics, OpenedPage, PageOpening, Pages, PageVisitor } from '../ports.ts';
import type { AppliedChange, Replica } from '../sync/replica.ts';
import { ExpiringMap } from './expiring-map.ts';

const MAX_CACHED = 100_000;
/** A change that could not be heard (a reload) is made up for within this time. */
const CACHE_MS = 60_000;

export class VisitorPages {
  readonly #pages: Pages;
  readonly #secret: string;
  readonly #nowUs: () => Microseconds;
  readonly #cache: ExpiringMap<string, FoundPage & { readonly token: string }>;

  constructor(options: {
    readonly pages: Pages;
    readonly secret: string;
    /** The database's time. */
    readonly nowUs: () => Microseconds;
    readonly replica: Replica;
    readonly clock: Clock;
    readonly metrics: Metrics;
  }) {
    this.#pages = options.pages;
    this.#secret = options.secret;
    this.#nowUs = options.nowUs;
    this.#cache = new ExpiringMap(options.clock, MAX_CACHED);
    options.metrics.gauge('visitor_pages_cached', 'Pages of visitors in memory (at most 100000)', () => this.#cache.size);
    options.replica.listen({
      applied: ({ change }: AppliedChange) => {
        if (change.type === 'page-ended') this.#cache.delete(change.pageId);
        else if (change.type === 'visitor-banned') this.#cache.deleteWhere(({ page }) => page.visitorId === change.visitorId);
      },
      committed: () => undefined,
      reloaded: () => this.#cache.clear(), // rows may be gone with an older database
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

  /**
   * Throws `reinit-required` for a page that is not known or has ended, or another's token: an SDK then inits again. Throws
   * `visitor-banned`.
   */
  async authenticate(pageId: string, token: string): Promise<Page> {
    const cached = this.#cache.get(pageId);
    const right = cached?.token ?? this.tokenOf(pageId);
    if (!isSameText(token, right)) throw reinit();
    const found = cached ?? (await this.#pages.find(pageId));
    if (found === undefined) throw reinit();
    if (cached === undefined) this.#cache.set(pageId, { ...found, token: right }, CACHE_MS);
    this.refuseBanned(found.ban);
    return found.page;
  }

  /** Throws `visitor-banned`. */
  refuseBanned(ban: Ban | null): void {
    if (ban !== null && isBanned(ban, this.#nowUs())) throw new ChatError('forbidden', 'visitor-banned', 'this visitor is kept out');
  }

  findNewestOf(visitorId: string): Promise<Page | undefined> {
    return this.#pages.findNewestOf(visitorId);
  }
}

export function newId(): string {
  return randomBytes(16).toString('hex');
}

const NONCE_BYTES = 8;
let nonces = Buffer.alloc(0);

/** For the random half of a message id. Drawn 512 at a time: asking the system for each one cost 20 µs. */
export function newNonce(): string {
  if (nonces.length < NONCE_BYTES) nonces = randomBytes(512 * NONCE_BYTES);
  const nonce = nonces.toString('hex', 0, NONCE_BYTES);
  nonces = nonces.subarray(NONCE_BYTES);
  return nonce;
}

export function reinit(): ChatError {
  return new ChatError('reinit-required', 'reinit-required', 'this page is not known any more');
}

function isSameText(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}
