/**
 * Who a visitor's call is from: page id and token. Tokens are derived from the page id with the installation's
 * secret: nothing is stored, every node can check them, and later they can sign links. Pages are looked up in batches
 * and cached; the end of a page is a change that drops it on every node. A page without rows says itself what it is
 * (rowless-page.ts), and gets its rows by `write`.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { ChatError } from '../../domain/error.ts';
import type { Microseconds } from '../../domain/time.ts';
import { type Ban, isBanned, type Page, type Visitor } from '../../domain/visitor.ts';
import type { Clock, FoundPage, KnownVisitor, Metrics, OpenedPage, PageOpening, Pages, PageVisitor } from '../../ports/index.ts';
import type { AppliedChange, Replica } from '../../sync/replica.ts';
import { ExpiringMap } from '../expiring-map.ts';
import { LatestEnds } from '../latest-ends.ts';
import { readRowlessPage } from './rowless-page.ts';

const MAX_CACHED = 100_000;
/** A change that could not be heard (a reload) is made up for within this time. */
const CACHE_MS = 60_000;

export class VisitorPages {
  readonly #pages: Pages;
  readonly #secret: string;
  readonly #nowUs: () => Microseconds;
  readonly #cache: ExpiringMap<string, FoundPage & { readonly token: string }>;
  /** Of pages, and of visitors who were kept out or let in again. */
  readonly #ends = new LatestEnds<{ readonly pageId?: string; readonly visitorId: string }>();
  /** Who was heard of so lately that a page of his may be cached as if he had no rows. */
  readonly #heardOf: ExpiringMap<string, true>;
  /** Pages that came without rows and have them now: a WebSocket keeps the one it began with. */
  readonly #written = new WeakMap<Page, Page>();
  readonly #writing = new WeakMap<Page, Promise<Written>>();

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
    this.#heardOf = new ExpiringMap(options.clock, MAX_CACHED);
    options.metrics.gauge('visitor_pages_cached', 'Pages of visitors in memory (at most 100000)', () => this.#cache.size);
    options.replica.listen({
      applied: ({ change }: AppliedChange) => {
        if (change.type === 'page-ended') this.#ends.heard({ pageId: change.pageId, visitorId: change.visitorId });
        else if (change.type === 'visitor-banned') this.#ends.heard({ visitorId: change.visitorId });
        if (change.type === 'page-ended') this.#cache.delete(change.pageId);
        else if (change.type === 'visitor-banned') this.#cache.deleteWhere(({ page }) => page.visitorId === change.visitorId);
        else if (change.type === 'chat-opened') this.#heardOf.set(change.chat.visitorId, true, CACHE_MS);
        else if (change.type === 'visitor-changed') this.#heardOf.set(change.visitorId, true, CACHE_MS);
      },
      reloaded: () => {
        this.#ends.heardAll();
        this.#cache.clear(); // rows may be gone with an older database
      },
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
    const cached = this.#cached(pageId);
    const right = cached?.token ?? this.tokenOf(pageId);
    if (!isSameText(token, right)) throw reinit();
    const found = cached ?? (await this.#lookUp(pageId, right));
    if (found === undefined) throw reinit();
    this.refuseBanned(found.ban);
    return found.page;
  }

  /** The same page, if it lives still. Asked after every wait that an end may fall into. Throws as `authenticate`. */
  again({ id }: Page): Promise<Page> {
    return this.authenticate(id, this.tokenOf(id));
  }

  /** Has this page rows, as far as this node knows, or is it getting them? */
  hasRows(page: Page): boolean {
    return page.rowless === undefined || this.#written.has(page) || this.#writing.has(page);
  }

  /**
   * The page with its rows, which are written if there are none. `newcomer`: who has never had a chat, when he was just written.
   * Throws `reinit-required`, `visitor-banned`.
   */
  async write(page: Page): Promise<Written> {
    const known = page.rowless === undefined ? page : this.#written.get(page);
    if (known !== undefined) return { page: known, newcomer: undefined };
    const writing = this.#writing.get(page) ?? this.#write(page).finally(() => this.#writing.delete(page));
    this.#writing.set(page, writing);
    return writing;
  }

  async #write(page: Page): Promise<Written> {
    const before = this.#ends.count;
    const { visitor, secretGeneration, hasChatted, hasEnded } = await this.#pages.write(page);
    if (hasEnded) throw reinit();
    if (this.#hasEndedSince(before, page)) return this.#write(page);
    const { rowless: _, ...facts } = page;
    const written: Page = { ...facts, secretGeneration };
    this.#written.set(page, written);
    this.#cache.set(page.id, { page: written, ban: visitor.ban, token: this.tokenOf(page.id) }, CACHE_MS);
    this.refuseBanned(visitor.ban);
    return { page: written, newcomer: hasChatted ? undefined : visitor };
  }

  findKnown(visitorId: string): Promise<KnownVisitor | undefined> {
    return this.#pages.findKnown(visitorId);
  }

  resumeBare(visitorId: string): Promise<boolean> {
    return this.#pages.resumeBare(visitorId);
  }

  /** Throws `visitor-banned`. */
  refuseBanned(ban: Ban | null): void {
    if (ban !== null && isBanned(ban, this.#nowUs())) throw new ChatError('forbidden', 'visitor-banned', 'this visitor is kept out');
  }

  findNewestOf(visitorId: string): Promise<Page | undefined> {
    return this.#pages.findNewestOf(visitorId);
  }

  /** One without rows is looked up again as soon as something was heard of its visitor. */
  #cached(pageId: string): (FoundPage & { readonly token: string }) | undefined {
    const cached = this.#cache.get(pageId);
    return cached?.page.rowless !== undefined && this.#heardOf.get(cached.page.visitorId) !== undefined ? undefined : cached;
  }

  /** Asked again when it has ended while it was looked up. */
  async #lookUp(pageId: string, token: string): Promise<FoundPage | undefined> {
    const before = this.#ends.count;
    const found = await this.#find(pageId);
    if (found === undefined) return undefined;
    if (this.#hasEndedSince(before, found.page)) return this.#lookUp(pageId, token);
    this.#cache.set(pageId, { ...found, token }, CACHE_MS);
    return found;
  }

  #hasEndedSince(count: number, { id, visitorId }: Page): boolean {
    return this.#ends.hasEndedSince(count, end => end.visitorId === visitorId && (end.pageId ?? id) === id);
  }

  /** Its token was right. */
  async #find(pageId: string): Promise<FoundPage | undefined> {
    const rowless = readRowlessPage(pageId, this.#nowUs());
    const { found, hasEnded, isVisitorKnown } = await this.#pages.find({ pageId, visitorId: rowless?.visitorId ?? '' });
    if (found !== undefined || hasEnded || rowless === undefined) return found;
    if (!isVisitorKnown) return { page: rowless, ban: null };
    // He has acted on another page of his.
    const { page } = await this.write(rowless);
    return { page, ban: null };
  }
}

interface Written {
  readonly page: Page;
  readonly newcomer: Visitor | undefined;
}

export function reinit(): ChatError {
  return new ChatError('reinit-required', 'reinit-required', 'this page is not known any more');
}

function isSameText(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}
