/**
 * The WebSocket of the desk: connects, goes on with `since` after any drop, and carries actions. A request that gets no
 * answer is refused with 'no-connection' or 'timeout'; whether it was carried out is then unknown, so only what the server
 * knows by a client's id (messages) is asked again.
 */
import { ApiError } from '../shared/api.ts';
import { serverUrl } from '../shared/server.ts';
import type { Answer, Frame } from './wire.ts';

export type LinkState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'open' }
  /** Tries again by itself at this time of the page's clock. */
  | { readonly kind: 'waiting'; readonly retryAtMs: number };

/** He has to log in again. */
export type EndReason = 'unauthorized' | 'operator-disabled';

export interface LinkOptions {
  /** Where the client stands; '' for a full update. */
  readonly since: () => string;
  readonly onFrame: (frame: Frame) => void;
  readonly onState: (state: LinkState) => void;
  readonly onEnd: (reason: EndReason) => void;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;
const ANSWER_WITHIN_MS = 12_000;
/** The server says where the client stands at least every 25 s. */
const SILENCE_MS = 45_000;
const OPEN_WITHIN_MS = 10_000;

interface Waiting {
  readonly resolve: (data: unknown) => void;
  readonly reject: (error: ApiError) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

export class Link {
  readonly #options: LinkOptions;
  readonly #waiting = new Map<string, Waiting>();
  #socket: WebSocket | undefined;
  #isOpen = false;
  #isEnded = false;
  #failures = 0;
  #nextId = 1;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #openers: (() => void)[] = [];

  constructor(options: LinkOptions) {
    this.#options = options;
    addEventListener('online', this.#hurry);
    document.addEventListener('visibilitychange', this.#hurry);
    this.#connect();
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** `data` of the answer. Throws ApiError. */
  request<T = undefined>(action: string, parameters: object = {}): Promise<T> {
    const socket = this.#socket;
    if (!this.#isOpen || socket === undefined) return Promise.reject(new ApiError({ error: 'no-connection' }));
    const id = String(this.#nextId++);
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new ApiError({ error: 'timeout' }));
      }, ANSWER_WITHIN_MS);
      this.#waiting.set(id, { resolve: data => resolve(data as T), reject, timer });
      socket.send(JSON.stringify({ ...parameters, id, action }));
    });
  }

  /** A signal that may be lost. */
  tell(action: string, parameters: object): void {
    if (this.#isOpen) this.#socket?.send(JSON.stringify({ ...parameters, id: `-${this.#nextId++}`, action }));
  }

  /** Resolves when the desk is up to date; never after `end`. */
  whenOpen(): Promise<void> {
    return this.#isOpen ? Promise.resolve() : new Promise(resolve => this.#openers.push(resolve));
  }

  end(): void {
    this.#isEnded = true;
    removeEventListener('online', this.#hurry);
    document.removeEventListener('visibilitychange', this.#hurry);
    clearTimeout(this.#retry);
    this.#drop();
  }

  #connect(): void {
    this.#options.onState({ kind: 'connecting' });
    const since = this.#options.since();
    const query = since === '' ? '' : `?since=${encodeURIComponent(since)}`;
    const socket = new WebSocket(serverUrl(`/ws/o/delta${query}`).replace(/^http/, 'ws'));
    this.#socket = socket;
    this.#listenFor(OPEN_WITHIN_MS);
    socket.onmessage = ({ data }) => {
      if (this.#socket !== socket) return;
      this.#listenFor(SILENCE_MS);
      this.#receive(JSON.parse(data as string) as Frame & Answer);
    };
    socket.onclose = ({ code, reason }) => {
      if (this.#socket === socket) this.#closed(code, reason);
    };
  }

  #receive(frame: Frame & Partial<Answer>): void {
    if (frame.id !== undefined) {
      this.#answer(frame as Answer);
      return;
    }
    this.#options.onFrame(frame);
    // The first frame with a revision says that the desk is up to date.
    if (this.#isOpen || frame.revision === undefined) return;
    this.#isOpen = true;
    this.#failures = 0;
    this.#options.onState({ kind: 'open' });
    for (const opened of this.#openers.splice(0)) opened();
  }

  #answer(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    if (waiting === undefined) return;
    this.#waiting.delete(answer.id);
    clearTimeout(waiting.timer);
    if (answer.error === undefined) waiting.resolve(answer.data);
    else waiting.reject(new ApiError({ ...answer, error: answer.error }));
  }

  #closed(code: number, reason: string): void {
    this.#drop();
    if (code === 4401 || code === 4403) {
      this.end();
      this.#options.onEnd(code === 4401 ? 'unauthorized' : 'operator-disabled');
      return;
    }
    const told = code === 4503 || code === 4429 ? readRetryAfterMs(reason) : undefined;
    const pauseMs = told ?? pauseAfter(this.#failures++);
    this.#options.onState({ kind: 'waiting', retryAtMs: Date.now() + pauseMs });
    this.#retry = setTimeout(() => this.#connect(), pauseMs);
  }

  /** Back on line, or looked at again: no need to wait any longer. */
  readonly #hurry = (): void => {
    if (this.#socket !== undefined || this.#isEnded || document.hidden) return;
    clearTimeout(this.#retry);
    this.#connect();
  };

  #listenFor(silenceMs: number): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#closed(1006, ''), silenceMs);
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#isOpen = false;
    clearTimeout(this.#silence);
    socket?.close();
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(new ApiError({ error: 'no-connection' }));
    }
    this.#waiting.clear();
  }
}

/** 0.25 s at first, twice as long each time up to 10 s, and not all clients at once. */
function pauseAfter(failures: number): number {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
  return longest * (0.5 + Math.random() / 2);
}

function readRetryAfterMs(reason: string): number | undefined {
  try {
    const { retryAfterMs } = JSON.parse(reason) as { readonly retryAfterMs?: unknown };
    return typeof retryAfterMs === 'number' ? Math.max(0, retryAfterMs) : undefined;
  } catch {
    return undefined;
  }
}
