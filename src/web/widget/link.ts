/**
 * The connection to whichever node answers: init, then a WebSocket that goes on from the last revision after every drop, or
 * long polls where WebSockets do not come through. Nothing is lost by a drop: the server repeats what came after `since`.
 */
import { type Calls, CallError, type Page, type Parameters } from './calls.ts';
import { type Identity, isIdentity } from './forms.ts';
import type { Memory } from './memory.ts';
import { isHidden, listen, site, tell, whereHeIs } from './site.ts';
import type { Frame, FullUpdate } from './wire.ts';

/** `up`: what is shown is what is. `banned`: kept out by an operator; asked again rarely. */
export type LinkState = 'connecting' | 'up' | 'waiting' | 'banned';

export interface LinkEvents {
  readonly onFrame: (frame: Frame) => void;
  readonly onState: (state: LinkState) => void;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;
const BANNED_PAUSE_MS = 600_000;
const HANDSHAKE_MS = 8_000;
/** The server says something every 25 s, if only its revision. */
const SILENCE_MS = 40_000;
const ANSWER_MS = 15_000;
/** So many WebSockets in a row on which the server was not heard: polls, and after a while one more try. */
const FAILURES_BEFORE_POLLS = 2;
const POLLS_MS = 300_000;

const GOING_AWAY = 1001;
const CUT = 1006;
const REINIT = 4410;
const TOLD_WHEN_TO_RETURN: readonly number[] = [4429, 4503];

/** How a connection ended. */
interface End {
  readonly wasUp: boolean;
  readonly needsInit?: boolean;
  readonly retryAfterMs?: number;
}

export class Link {
  readonly #calls: Calls;
  readonly #memory: Memory;
  readonly #events: LinkEvents;
  #signedVisitor: string | undefined;
  #page: Page | undefined;
  #since = '';
  #state: LinkState = 'connecting';
  #socket: WebSocket | undefined;
  /** Does not wait for the other side's goodbye, which a dead connection never has. */
  #abandonSocket: () => void = () => undefined;
  #polling: AbortController | undefined;
  #lastHeardMs = 0;
  #isAsleep = false;
  #wake: () => void = () => undefined;
  #failedSockets = 0;
  #pollsUntilMs = 0;
  #nextId = 1;
  readonly #answers = new Map<number, (error: CallError | undefined) => void>();

  constructor(calls: Calls, memory: Memory, signedVisitor: string | undefined, events: LinkEvents) {
    this.#calls = calls;
    this.#memory = memory;
    this.#signedVisitor = signedVisitor;
    this.#events = events;
  }

  get page(): Page | undefined {
    return this.#page;
  }

  get isUp(): boolean {
    return this.#state === 'up';
  }

  start(): void {
    listen(site, 'online', () => this.#hurry());
    listen(site.document, 'visibilitychange', () => {
      if (!isHidden()) this.#hurry();
    });
    // A page with an open connection is not kept for the "back" button.
    listen(site, 'pagehide', () => this.#sleep());
    listen(site, 'pageshow', () => {
      this.#isAsleep = false;
      this.#wake();
    });
    void this.#run();
  }

  /** Resolves when the server has done it. Throws CallError; `no-connection` leaves open whether it was done. */
  async act(action: string, parameters: Parameters): Promise<void> {
    if (!this.isUp || this.#page === undefined) throw new CallError('no-connection');
    const socket = this.#socket;
    const told = { ...whereHeIs(), ...parameters };
    try {
      if (socket?.readyState === WebSocket.OPEN) await this.#ask(socket, action, told);
      else await this.#calls.act(this.#page, action, told);
    } catch (error) {
      if (error instanceof CallError && error.code === 'reinit-required') this.#drop();
      throw error;
    }
  }

  async #run(): Promise<never> {
    for (let failures = 0; ; ) {
      const end = await this.#connectOnce();
      if (end.needsInit === true) this.#page = undefined;
      failures = end.wasUp ? 0 : failures + 1;
      if (this.#state !== 'banned') this.#tell('waiting');
      await this.#pause(end.retryAfterMs ?? pauseMs(failures));
      if (this.#state === 'waiting' && failures === 0) this.#tell('connecting');
    }
  }

  /** From connecting to the end of the connection. */
  async #connectOnce(): Promise<End> {
    try {
      this.#page ??= await this.#init();
      return performance.now() < this.#pollsUntilMs ? await this.#poll(this.#page) : await this.#listen(this.#page);
    } catch (error) {
      const code = error instanceof CallError ? error.code : 'no-connection';
      if (code === 'visitor_banned') {
        this.#tell('banned');
        return { wasUp: false, needsInit: true, retryAfterMs: BANNED_PAUSE_MS };
      }
      return { wasUp: false, needsInit: code === 'reinit-required' };
    }
  }

  async #init(): Promise<Page> {
    return this.#memory.inTurn(async () => {
      const { revision, fullUpdate } = await this.#askInit();
      const { pageId, authToken } = fullUpdate;
      this.#page = { pageId, authToken };
      this.#receive({ revision, fullUpdate });
      return this.#page;
    });
  }

  /** Wrongly signed fields are the site's mistake: its visitors can chat all the same, as strangers. */
  async #askInit(): Promise<{ revision: string; fullUpdate: FullUpdate }> {
    const known = this.#memory.site.read('visitor', isIdentity);
    try {
      return await this.#calls.init(known, this.#signedVisitor);
    } catch (error) {
      if (this.#signedVisitor === undefined || !(error instanceof CallError) || !/provided|wrong-argument/.test(error.code)) throw error;
      tell('warn', `data-visitor is not accepted: ${error.code}`);
      this.#signedVisitor = undefined;
      return this.#calls.init(known, undefined);
    }
  }

  /** A WebSocket until it ends. */
  #listen(page: Page): Promise<End> {
    return new Promise(resolve => {
      let socket: WebSocket;
      try {
        socket = this.#calls.open(page, this.#since);
      } catch {
        // Some browsers throw where the site's policy forbids it.
        this.#countFailures(false);
        resolve({ wasUp: false });
        return;
      }
      this.#socket = socket;
      let wasUp = false;
      let timer = setTimeout(() => end(), HANDSHAKE_MS);
      const end = (code = CUT, reason = ''): void => {
        clearTimeout(timer);
        if (this.#socket !== socket) return;
        this.#socket = undefined;
        socket.close();
        if (this.isUp) this.#tell('waiting'); // whoever has no answer must know that it is not the server's doing
        this.#failAnswers();
        this.#countFailures(wasUp || isOfServer(code));
        resolve({
          wasUp,
          needsInit: code === REINIT,
          ...(TOLD_WHEN_TO_RETURN.includes(code) ? { retryAfterMs: retryAfterMs(reason) } : {}),
        });
      };
      this.#abandonSocket = end;
      socket.onmessage = ({ data }: MessageEvent<string>) => {
        clearTimeout(timer);
        timer = setTimeout(() => end(), SILENCE_MS);
        wasUp = this.#receive(JSON.parse(data) as Frame & Answer) || wasUp;
      };
      // Where the site's policy forbids it, an error is all that comes.
      socket.onerror = () => end();
      socket.onclose = ({ code, reason }) => end(code, reason);
    });
  }

  /** Long polls until one fails, or it is time to try a WebSocket again. */
  async #poll(page: Page): Promise<End> {
    let wasUp = false;
    const polling = new AbortController();
    this.#polling = polling;
    try {
      while (performance.now() < this.#pollsUntilMs && !polling.signal.aborted) {
        this.#receive(await this.#calls.poll(page, this.#since, !wasUp, polling.signal));
        wasUp = true;
        if (!this.isUp) this.#tell('up');
      }
      return { wasUp };
    } catch (error) {
      const code = error instanceof CallError ? error.code : '';
      if (code === 'visitor_banned') throw error;
      this.#pollsUntilMs = 0;
      return { wasUp, needsInit: code === 'reinit-required' };
    } finally {
      this.#polling = undefined;
    }
  }

  #countFailures(hasComeThrough: boolean): void {
    this.#failedSockets = hasComeThrough ? 0 : this.#failedSockets + 1;
    if (this.#failedSockets < FAILURES_BEFORE_POLLS || this.#isAsleep) return;
    this.#failedSockets = FAILURES_BEFORE_POLLS - 1;
    this.#pollsUntilMs = performance.now() + POLLS_MS;
  }

  /** True: it was news, which comes on a working connection only. */
  #receive(frame: Frame & Answer): boolean {
    this.#lastHeardMs = Date.now();
    if (frame.id !== undefined) {
      this.#answers.get(frame.id)?.(frame.error === undefined ? undefined : new CallError(frame.error));
      return false;
    }
    if (frame.revision !== undefined) this.#since = String(frame.revision);
    if (frame.fullUpdate !== undefined) this.#keep(frame.fullUpdate);
    if (frame.fullUpdate !== undefined || frame.deltaList !== undefined) this.#events.onFrame(frame);
    if (this.#socket !== undefined && !this.isUp) this.#tell('up');
    return true;
  }

  /** The newest object proves who the visitor is: its secret may have changed. */
  #keep({ visitor, visitSessionId }: FullUpdate): void {
    this.#memory.site.write('visitor', { visitor, visitSessionId } satisfies Identity);
  }

  #ask(socket: WebSocket, action: string, parameters: Parameters): Promise<void> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => answer(new CallError('no-connection')), ANSWER_MS);
      const answer = (error: CallError | undefined): void => {
        clearTimeout(timer);
        this.#answers.delete(id);
        if (error === undefined) resolve();
        else reject(error);
      };
      this.#answers.set(id, answer);
      socket.send(JSON.stringify({ id, action, ...parameters }));
    });
  }

  #failAnswers(): void {
    for (const answer of [...this.#answers.values()]) answer(new CallError('no-connection'));
  }

  /** The network is back, or somebody looks: no time for pauses, nor for a connection that is dead. */
  #hurry(): void {
    if (Date.now() - this.#lastHeardMs > SILENCE_MS) this.#abandonSocket();
    if (this.#state !== 'banned') this.#wake();
  }

  #drop(): void {
    this.#page = undefined;
    this.#disconnect();
  }

  #sleep(): void {
    this.#isAsleep = true;
    this.#disconnect();
  }

  #disconnect(): void {
    this.#abandonSocket();
    this.#polling?.abort();
  }

  /** Until the time is over or somebody is in a hurry; for ever while the page is put away. */
  #pause(ms: number): Promise<void> {
    return new Promise(resolve => {
      const done = (): void => {
        if (this.#isAsleep) return;
        clearTimeout(timer);
        this.#wake = () => undefined;
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#wake = done;
    });
  }

  #tell(state: LinkState): void {
    this.#state = state;
    this.#events.onState(state);
  }
}

interface Answer {
  readonly id?: number;
  readonly error?: string;
}

/** Not of a proxy in between, which knows none of these. */
function isOfServer(code: number): boolean {
  return code === GOING_AWAY || code >= 4_000;
}

/** Twice as long each time, and never the same for all. A connection that has worked is sought again soon. */
function pauseMs(failures: number): number {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
  return longest / 2 + (Math.random() * longest) / 2;
}

function retryAfterMs(reason: string): number {
  try {
    return (JSON.parse(reason) as { readonly retryAfterMs: number }).retryAfterMs;
  } catch {
    return FIRST_PAUSE_MS;
  }
}
