/** What the loops of one client share: the page, who the visitor is, and how it all ends. */
import { randomUUID } from 'node:crypto';
import type { FullUpdate } from './answers.ts';
import type { JsonObject } from './json.ts';
import { FatalError } from './transport.ts';
import { type Call, type Platform, Wire } from './wire.ts';

export interface Page {
  readonly pageId: string;
  readonly authToken: string;
}

/** Kept by the app over restarts. */
export interface Identity {
  readonly deviceId: string;
  readonly visitor: JsonObject | undefined;
  readonly visitSessionId: string | undefined;
  readonly page: Page | undefined;
}

export interface SessionOptions {
  readonly url: string;
  readonly platform: Platform;
  readonly location: string;
  readonly visitorExt: string | undefined;
  readonly providedAuthToken: string | undefined;
  readonly timeScale: number;
  /** The read timeout of a poll; never shortened with the rest. */
  readonly pollTimeoutMs: number;
}

export const NOT_INITIALISED = '0';

/** How long an action may stand still for a new page. A poll that is held on is not woken by then. */
const STANDSTILL_MS = 10_000;

export class Session {
  readonly options: SessionOptions;
  readonly wire: Wire;
  location: string;
  /** The revision of the next poll. */
  since = NOT_INITIALISED;
  pushToken: string | undefined;
  identity: Identity;
  /** Why the session was destroyed. */
  fatal: string | undefined;
  /** Why the app would have died. */
  crash: string | undefined;

  constructor(options: SessionOptions, identity: Identity | undefined) {
    this.options = options;
    this.wire = new Wire(options.url, options.platform, options.timeScale);
    this.location = options.location;
    this.identity = identity ?? { deviceId: randomUUID(), visitor: undefined, visitSessionId: undefined, page: undefined };
  }

  get isAndroid(): boolean {
    return this.options.platform === 'android';
  }

  get page(): Page | undefined {
    return this.identity.page;
  }

  adopt({ pageId, authToken, visitSessionId }: FullUpdate, visitor: JsonObject): void {
    this.identity = { ...this.identity, visitor, visitSessionId, page: { pageId, authToken } };
  }

  forgetPage(): void {
    this.identity = { ...this.identity, page: undefined };
  }

  /** The page, as soon as there is another one than `old`. Android looks ten times a second. */
  async pageAfter(old: Page | undefined): Promise<Page> {
    const started = performance.now();
    for (;;) {
      const { page } = this;
      if (page !== undefined && page.pageId !== old?.pageId) return page;
      // An init may take as long as the server is away.
      if (this.since !== NOT_INITIALISED && performance.now() - started > STANDSTILL_MS) {
        throw new Error('actions stand still: reinit-required was told to an action, but not to the poll of the same page');
      }
      await this.wire.pause(0.1);
    }
  }

  /** GET and POST alike carry both. */
  withPage(call: Call, { pageId, authToken }: Page): Call {
    return { ...call, parameters: { ...call.parameters, 'page-id': pageId, 'auth-token': authToken } };
  }

  /** Runs a loop to its end, which ends the others too. */
  async guard(loop: () => Promise<void>): Promise<void> {
    try {
      await loop();
    } catch (error) {
      this.end(error);
    }
  }

  end(error: unknown): void {
    if (this.wire.isStopped) return;
    if (error instanceof FatalError) this.fatal = error.message;
    else this.crash = error instanceof Error ? `${error.constructor.name}: ${error.message}` : String(error);
    this.wire.stop();
  }
}

/** Notices a loop that goes round and round without a pause. */
export class HotLoop {
  readonly #what: string;
  readonly #most: number;
  readonly #seconds: number;
  #times: number[] = [];

  /** `most`: turns within so many seconds. */
  constructor(what: string, most = 20, seconds = 1) {
    this.#what = what;
    this.#most = most;
    this.#seconds = seconds;
  }

  turn(): void {
    const now = performance.now();
    this.#times = [...this.#times.filter(time => now - time < this.#seconds * 1_000), now];
    if (this.#times.length >= this.#most) throw new Error(`${this.#what} without end: ${this.#times.length} within ${this.#seconds} s`);
  }
}
