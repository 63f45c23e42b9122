/** The calls of the visitor protocol over HTTP. Simple requests only: none asks the server's permission first. */
import type { Options } from './options.ts';
import type { Identity } from './forms.ts';
import { whereHeIs } from './site.ts';
import type { Frame, FullUpdate, HistoryPage } from './wire.ts';

export type Parameters = Readonly<Record<string, string>>;

/** A page of the visitor's: what init has opened. */
export interface Page {
  readonly pageId: string;
  readonly authToken: string;
}

/** `no-connection`: nobody has answered. `server-not-ready`: try later. Else what the server has said. */
export class CallError extends Error {
  override readonly name = 'CallError';
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }

  /** The same may work in a moment. */
  get isPassing(): boolean {
    return ['no-connection', 'server-not-ready', 'reinit-required'].includes(this.code);
  }
}

/** Longer than a poll is held. */
const POLL_TIMEOUT_MS = 40_000;
const TIMEOUT_MS = 15_000;

export class Calls {
  readonly server: string;
  readonly #location: string;
  /** By how much the server's clock is ahead: a device's may be days off. */
  #aheadMs = 0;

  constructor({ server, location }: Pick<Options, 'server' | 'location'>) {
    this.server = server;
    this.#location = location;
  }

  /** By the server's clock, as far as it has said. */
  get nowMs(): number {
    return Date.now() + this.#aheadMs;
  }

  async init(known: Identity | undefined, signedVisitor: string | undefined): Promise<{ revision: string; fullUpdate: FullUpdate }> {
    return this.#get('/l/v/m/init', {
      location: this.#location,
      platform: 'web',
      ...whereHeIs(),
      ...(known === undefined ? {} : { visitor: JSON.stringify(known.visitor), 'visit-session-id': known.visitSessionId }),
      ...(signedVisitor === undefined ? {} : { 'visitor-ext': signedVisitor }),
    });
  }

  /** `signal` gives it up. */
  poll(page: Page, since: string, isFirst: boolean, signal: AbortSignal): Promise<Frame> {
    return this.#get(
      '/l/v/m/delta',
      { ...credentials(page), since, ...(isFirst ? { 'respond-immediately': 'true' } : {}) },
      AbortSignal.any([signal, AbortSignal.timeout(POLL_TIMEOUT_MS)]),
    );
  }

  async act(page: Page, action: string, parameters: Parameters): Promise<void> {
    const body = new URLSearchParams({ action, ...credentials(page), ...parameters });
    await this.#answerOf(fetch(`${this.server}/l/v/m/action`, { method: 'POST', body, signal: AbortSignal.timeout(TIMEOUT_MS) }));
  }

  /** What has changed since; without it the newest messages. */
  async history(page: Page, since?: number): Promise<HistoryPage> {
    return this.#history({ ...credentials(page), ...(since === undefined ? {} : { since: String(since) }) });
  }

  async olderMessages(page: Page, beforeTs: number): Promise<HistoryPage> {
    return this.#history({ ...credentials(page), 'before-ts': String(beforeTs) });
  }

  /** A WebSocket of this page's updates. */
  open(page: Page, since: string): WebSocket {
    const query = new URLSearchParams({ ...credentials(page), since });
    return new WebSocket(`${this.server.replace(/^http/, 'ws')}/ws/v/delta?${query.toString()}`);
  }

  async #history(parameters: Parameters): Promise<HistoryPage> {
    return (await this.#get<{ readonly data: HistoryPage }>('/l/v/m/history', parameters)).data;
  }

  #get<T>(path: string, parameters: Parameters, signal = AbortSignal.timeout(TIMEOUT_MS)): Promise<T> {
    const query = new URLSearchParams(parameters).toString();
    return this.#answerOf<T>(fetch(`${this.server}${path}?${query}`, { signal }));
  }

  /** Throws CallError. A proxy's own page is as good as no answer. */
  async #answerOf<T>(request: Promise<Response>): Promise<T> {
    let answer: T | { readonly error: string };
    try {
      const response = await request;
      answer = (await response.json()) as T | { readonly error: string };
      const serverMs = Date.parse(response.headers.get('date') ?? '');
      if (!Number.isNaN(serverMs)) this.#aheadMs = serverMs - Date.now();
    } catch {
      throw new CallError('no-connection');
    }
    if (typeof answer === 'object' && answer !== null && 'error' in answer) throw new CallError(answer.error);
    return answer;
  }
}

export function credentials({ pageId, authToken }: Page): Parameters {
  return { 'page-id': pageId, 'auth-token': authToken };
}
