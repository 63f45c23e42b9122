/** How each platform writes its requests; and everything that went over the wire, for tests to look at. */
import http from 'node:http';
import { exchange, type HttpAnswer, multipart, type UploadedPart } from './http.ts';
import { isObject, type JsonObject } from './json.ts';

export type Platform = 'android' | 'ios';

export interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly upload?: UploadedPart;
  /** Sends the version of the SDK along. */
  readonly isVersioned?: boolean;
  readonly timeoutMs?: number;
  /** Ends this call alone. */
  readonly signal?: AbortSignal;
}

/** A request and its answer. `status` 0: no answer came. */
export interface Seen {
  readonly call: Call;
  readonly sentAt: number;
  readonly answeredAt: number;
  readonly status: number;
  /** undefined: not a JSON object. */
  readonly body: JsonObject | undefined;
  readonly isJson: boolean;
}

const READ_TIMEOUT_MS = 60_000;

export class Wire {
  readonly url: string;
  readonly platform: Platform;
  readonly seen: Seen[] = [];
  readonly #timeScale: number;
  readonly #stop = new AbortController();
  readonly #agent = new http.Agent({ keepAlive: true });

  constructor(url: string, platform: Platform, timeScale: number) {
    this.url = url.replace(/\/$/, '');
    this.platform = platform;
    this.#timeScale = timeScale;
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  get isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Ends every request and every wait. */
  stop(): void {
    this.#stop.abort();
    this.#agent.destroy();
  }

  flag(value: boolean): string {
    if (this.platform === 'android') return String(value);
    return value ? '1' : '0';
  }

  /** Seconds of the app, shortened for tests. */
  scaled(seconds: number): number {
    return Math.ceil(seconds * 1_000 * this.#timeScale);
  }

  async pause(seconds: number): Promise<void> {
    const { signal } = this.#stop;
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        reject(signal.reason as Error);
      };
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', end);
        resolve();
      }, this.scaled(seconds));
      signal.addEventListener('abort', end, { once: true });
    });
  }

  /** Throws what http.ts throws. */
  async send(call: Call): Promise<Seen> {
    this.#stop.signal.throwIfAborted();
    const sentAt = performance.now();
    const keep = (status: number, body: unknown, isJson: boolean): Seen => {
      const seen = { call, sentAt, answeredAt: performance.now(), status, body: isObject(body) ? body : undefined, isJson };
      this.seen.push(seen);
      return seen;
    };
    let answer: HttpAnswer;
    try {
      answer = await this.#exchange(call);
    } catch (error) {
      keep(0, undefined, false);
      throw error;
    }
    try {
      return keep(answer.status, JSON.parse(answer.body.toString()), true);
    } catch {
      return keep(answer.status, undefined, false);
    }
  }

  #exchange(call: Call): Promise<HttpAnswer> {
    const { method, path, parameters, upload, timeoutMs = READ_TIMEOUT_MS } = call;
    const common = { timeoutMs, agent: this.#agent, signal: AbortSignal.any([this.#stop.signal, ...(call.signal ? [call.signal] : [])]) };
    const headers = this.#headers(call.isVersioned === true);
    if (upload !== undefined) {
      const { contentType, body } = multipart(upload, parameters, this.platform === 'android' ? 'text/plain; charset=utf-8' : undefined);
      return exchange(this.url + path, { ...common, method, headers: { ...headers, 'content-type': contentType }, body });
    }
    const written = this.#form(parameters);
    if (method === 'GET') return exchange(`${this.url}${path}${written === '' ? '' : `?${written}`}`, { ...common, method, headers });
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    return exchange(this.url + path, { ...common, method, headers: { ...headers, ...type }, body: written });
  }

  /** iOS writes %20 for a blank, never a plus. */
  #form(parameters: Readonly<Record<string, string>>): string {
    if (this.platform === 'android') return new URLSearchParams(parameters).toString();
    return Object.entries(parameters)
      .map(pair => pair.map(encodeURIComponent).join('='))
      .join('&');
  }

  #headers(isVersioned: boolean): Record<string, string> {
    const isAndroid = this.platform === 'android';
    return {
      'user-agent': isAndroid
        ? 'Android: Webim-Client/3.45.0 (Pixel 8; Android 15)'
        : 'iOS: Webim-Client 4.0.0; (iPhone15,2; 18.1)  Bundle ID and version: test 1.0',
      ...(isAndroid ? { 'accept-encoding': 'gzip' } : {}),
      ...(isVersioned ? { 'x-webim-sdk-version': isAndroid ? '3.45.0' : '4.0.0' } : {}),
    };
  }
}
