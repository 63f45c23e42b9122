/** Many WebSockets of one test, as light as can be: they follow their `since`, come back when told, and are counted. */
import WebSocket from 'ws';

export interface CrowdMember {
  readonly url: string;
  readonly headers?: Record<string, string>;
}

interface Place {
  readonly member: CrowdMember;
  socket: WebSocket | undefined;
  since: string;
  /** From wanting a connection to its first frame. */
  waitedMs: number;
  wantsSinceMs: number;
}

export class Crowd {
  readonly #places: Place[];
  #stopped = false;
  fullUpdates = 0;
  refused = 0;
  failed = 0;
  /** Called with each place's time when it hears its first frame. */
  readonly waitsMs: number[] = [];

  constructor(members: readonly CrowdMember[]) {
    this.#places = members.map(member => ({ member, socket: undefined, since: '', waitedMs: 0, wantsSinceMs: 0 }));
  }

  get connected(): number {
    return this.#places.filter(({ waitedMs }) => waitedMs > 0).length;
  }

  connectAll(): void {
    for (const place of this.#places) this.#connect(place, true);
  }

  /** All connections are lost in one moment; everybody wants back at once. */
  loseAll(): void {
    this.waitsMs.length = 0;
    for (const place of this.#places) {
      place.socket?.removeAllListeners('close');
      place.socket?.terminate();
      this.#connect(place, true);
    }
  }

  forgetSince(): void {
    for (const place of this.#places) place.since = '';
  }

  stop(): void {
    this.#stopped = true;
    for (const { socket } of this.#places) socket?.terminate();
  }

  #connect(place: Place, isNew: boolean): void {
    if (this.#stopped) return;
    if (isNew) {
      place.wantsSinceMs = performance.now();
      place.waitedMs = 0;
    }
    const { url, headers } = place.member;
    const separator = url.includes('?') ? '&' : '?';
    const socket = new WebSocket(place.since === '' ? url : `${url}${separator}since=${place.since}`, {
      ...(headers === undefined ? {} : { headers }),
      perMessageDeflate: false,
    });
    place.socket = socket;
    socket.on('error', () => undefined);
    socket.on('message', data => {
      const text = (data as Buffer).toString();
      const revision = /"revision":"(\d+)"/.exec(text.slice(0, 60))?.[1];
      if (revision !== undefined) place.since = revision;
      if (text.includes('"fullUpdate"')) this.fullUpdates += 1;
      if (place.waitedMs > 0) return;
      place.waitedMs = Math.max(0.1, performance.now() - place.wantsSinceMs);
      this.waitsMs.push(place.waitedMs);
    });
    socket.on('close', (code, reason) => {
      if (this.#stopped) return;
      const wasConnected = place.waitedMs > 0;
      if (code === 4429 || code === 4503) this.refused += 1;
      else if (!wasConnected) this.failed += 1;
      const { retryAfterMs } =
        code === 4429 || code === 4503 ? (JSON.parse(reason.toString()) as { retryAfterMs: number }) : { retryAfterMs: 200 };
      setTimeout(() => this.#connect(place, wasConnected), retryAfterMs);
    });
  }
}

export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return Math.round((sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))] ?? NaN) * 10) / 10;
}
