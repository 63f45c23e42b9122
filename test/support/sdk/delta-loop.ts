/** The first loop: init, configs, then one poll after the other. */
import { type Configs, configs, decodeFrame, type Frame } from './answers.ts';
import { HotLoop, NOT_INITIALISED, type Session } from './session.ts';
import { FatalError, Line, type Outcome } from './transport.ts';

/** What iOS gives up at. The rest it logs and ignores. */
export const FATAL_ON_IOS = [
  'account-blocked',
  'visitor_banned',
  'wrong-provided-visitor-hash-value',
  'provided-visitor-expired',
  'wrong-provided-visitor-expires-value',
];

export interface FrameListener {
  /** Before the items of the frame; `page` and identity are taken over already. */
  onFullUpdate(frame: Frame): void;
  onDeltas(frame: Frame): void;
}

export class DeltaLoop {
  configs: Configs | undefined;
  readonly #session: Session;
  readonly #listener: FrameListener;
  readonly #line: Line;
  readonly #empties = new HotLoop('polls that tell nothing');
  readonly #inits = new HotLoop('inits', 8, 5);
  #poll = new AbortController();
  #areConfigsAsked = false;

  constructor(session: Session, listener: FrameListener) {
    this.#session = session;
    this.#listener = listener;
    this.#line = new Line(session.wire);
  }

  async run(): Promise<void> {
    const { isAndroid, wire } = this.#session;
    if (!isAndroid) await this.#line.request({ method: 'GET', path: '/api/visitor/meta', parameters: {}, isVersioned: true });
    while (!wire.isStopped) {
      if (this.#session.since === NOT_INITIALISED) await this.#init(this.#line);
      else await this.#delta();
    }
  }

  /**
   * Android inits with the new location while the poll of the old page is still open; iOS drops the poll first.
   */
  async changeLocation(location: string): Promise<void> {
    this.#session.location = location;
    if (this.#session.isAndroid) await this.#init(new Line(this.#session.wire));
    else this.pollFrom(NOT_INITIALISED);
  }

  /** Drops the open poll and goes on from another revision, as after a long sleep. */
  pollFrom(since: string): void {
    this.#session.since = since;
    this.#poll.abort();
  }

  async #init(line: Line): Promise<void> {
    const session = this.#session;
    if (!session.isAndroid) await this.#askConfigs();
    const outcome = await line.request({
      method: 'GET',
      path: '/l/v/m/init',
      parameters: this.#initParameters(),
      isVersioned: true,
    });
    if (outcome.kind !== 'answer') return this.#failed(outcome);
    const frame = decodeFrame(outcome.body, 'init');
    if (frame.fullUpdate === undefined || frame.deltaList.length > 0 || frame.revision === undefined) {
      if (session.isAndroid) throw new FatalError('INCORRECT_SERVER_ANSWER: init without a full update, or with deltas');
      return session.wire.pause(1);
    }
    this.#take(frame);
    if (session.isAndroid && !this.#areConfigsAsked) {
      this.#areConfigsAsked = true;
      await this.#askConfigs();
    }
  }

  #initParameters(): Record<string, string> {
    const { identity, wire, options, location, pushToken, isAndroid } = this.#session;
    return {
      event: 'init',
      since: '0',
      'respond-immediately': wire.flag(true),
      platform: options.platform,
      location,
      title: isAndroid ? 'Android Client' : 'iOS Client',
      'device-id': identity.deviceId,
      ...(isAndroid
        ? { 'push-service': pushToken === undefined ? 'none' : 'fcm' }
        : pushToken === undefined
          ? {}
          : { 'push-service': 'apns' }),
      ...(pushToken === undefined ? {} : { 'push-token': pushToken }),
      ...(identity.visitor === undefined ? {} : { visitor: JSON.stringify(identity.visitor) }),
      ...(identity.visitSessionId === undefined ? {} : { 'visit-session-id': identity.visitSessionId }),
      ...(options.visitorExt === undefined ? {} : { 'visitor-ext': options.visitorExt }),
      ...(options.providedAuthToken === undefined ? {} : { provided_auth_token: options.providedAuthToken }),
    };
  }

  async #askConfigs(): Promise<void> {
    const { location, isAndroid } = this.#session;
    const parameters: Record<string, string> = isAndroid ? {} : { jsonp: 'false' };
    const outcome = await this.#line.request({
      method: 'GET',
      path: `/api/visitor/v1/configs/${encodeURIComponent(location)}`,
      parameters,
      isVersioned: !isAndroid,
    });
    if (outcome.kind === 'answer') this.configs = configs(outcome.body, 'configs');
    else if (isAndroid) await this.#failed(outcome);
  }

  async #delta(): Promise<void> {
    const session = this.#session;
    const { page } = session;
    if (page === undefined) throw new Error('a revision without a page');
    this.#poll = new AbortController();
    const { signal } = this.#poll;
    const call = {
      method: 'GET' as const,
      path: '/l/v/m/delta',
      // iOS counts from 2001.
      parameters: { since: session.since, ts: String(session.isAndroid ? Date.now() : Date.now() - Date.UTC(2001, 0, 1)) },
      timeoutMs: session.options.pollTimeoutMs,
      signal,
    };
    let outcome: Outcome;
    try {
      outcome = await this.#line.request(session.withPage(call, page));
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    if (signal.aborted) return;
    if (outcome.kind !== 'answer') return this.#failed(outcome);
    if (session.page?.pageId !== page.pageId) return; // of a page that was left meanwhile
    const frame = decodeFrame(outcome.body, 'delta');
    const isNews = frame.revision !== undefined && (frame.fullUpdate !== undefined || frame.deltaList.length > 0);
    if (!isNews) this.#empties.turn();
    this.#take(frame);
  }

  /** `since` moves on before the items are looked at. */
  #take(frame: Frame): void {
    if (frame.revision === undefined) return;
    this.#session.since = frame.revision;
    if (frame.fullUpdate === undefined || frame.visitor === undefined) return this.#listener.onDeltas(frame);
    this.#session.adopt(frame.fullUpdate, frame.visitor);
    this.#listener.onFullUpdate(frame);
  }

  async #failed(outcome: Exclude<Outcome, { kind: 'answer' }>): Promise<void> {
    const session = this.#session;
    if (outcome.kind === 'timeout') throw new Error(`a poll was not answered within ${session.options.pollTimeoutMs} ms`);
    if (outcome.kind === 'given-up') return;
    if (outcome.kind === 'unreadable') return this.#empties.turn();
    const { error } = outcome;
    if (error === 'reinit-required') {
      this.#inits.turn();
      session.forgetPage();
      session.since = NOT_INITIALISED;
    } else if (error === 'provided-auth-token-not-found') {
      session.since = NOT_INITIALISED;
      await session.wire.pause(1);
    } else if (session.isAndroid || FATAL_ON_IOS.includes(error)) {
      throw new FatalError(`${error} ${outcome.argumentName ?? ''}`.trim());
    } else this.#empties.turn();
  }
}
