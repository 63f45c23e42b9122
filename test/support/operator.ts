/** An operator over HTTP and WebSocket (docs/protocol/operator.md). Imports nothing from src. */
import WebSocket from 'ws';
import { eventually } from './eventually.ts';

export interface OperatorDelta {
  readonly objectType: string;
  readonly event: string;
  readonly id: string | number;
  readonly data: never;
}

interface Frame {
  readonly id?: string | number;
  readonly revision?: string;
  readonly resync?: string;
  readonly fullUpdate?: {
    chats: { id: number; state: string; messages?: { text: string }[] }[];
    operators: { id: number }[];
    operator: { id: number };
  };
  readonly deltaList?: OperatorDelta[];
  readonly result?: string;
  readonly error?: string;
  readonly data?: never;
}

export class Operator {
  readonly url: string;
  readonly token: string;
  readonly deltas: OperatorDelta[] = [];
  readonly fullUpdates: NonNullable<Frame['fullUpdate']>[] = [];
  onDelta: (delta: OperatorDelta) => void = () => undefined;
  since = '';
  socket: WebSocket | undefined;
  closed: { code: number; reason: string } | undefined;
  readonly #answers = new Map<string, (frame: Frame) => void>();
  #nextId = 1;

  private constructor(url: string, token: string) {
    this.url = url;
    this.token = token;
  }

  static async login(url: string, login: string, password: string): Promise<Operator> {
    const response = await fetch(`${url}/l/o/login`, { method: 'POST', body: new URLSearchParams({ login, password }) });
    const body = (await response.json()) as { data?: { authToken: string }; error?: string };
    if (body.data === undefined) throw new Error(`login answered ${response.status} ${JSON.stringify(body)}`);
    return new Operator(url, body.data.authToken);
  }

  /** The same login on another node. */
  at(url: string): Operator {
    return new Operator(url, this.token);
  }

  async post(path: string, parameters: Record<string, string>): Promise<Frame & { status: number; argumentName?: string }> {
    const response = await fetch(`${this.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.token}` },
      body: new URLSearchParams(parameters),
    });
    return { ...((await response.json()) as Frame), status: response.status };
  }

  async get(path: string): Promise<Frame & { status: number }> {
    const response = await fetch(`${this.url}${path}`, { headers: { authorization: `Bearer ${this.token}` } });
    return { ...((await response.json()) as Frame), status: response.status };
  }

  action(action: string, parameters: Record<string, string> = {}): Promise<Frame & { status: number; argumentName?: string }> {
    return this.post('/l/o/action', { action, ...parameters });
  }

  async setStatus(status: string): Promise<void> {
    const answer = await this.post('/l/o/set-status', { status });
    if (answer.result !== 'ok') throw new Error(`set-status answered ${JSON.stringify(answer)}`);
  }

  /** Connects the WebSocket and waits for its first frame. */
  async connect(since = ''): Promise<void> {
    const query = since === '' ? '' : `?since=${since}`;
    const socket = new WebSocket(`${this.url.replace(/^http/, 'ws')}/ws/o/delta${query}`, {
      headers: { authorization: `Bearer ${this.token}` },
    });
    this.socket = socket;
    this.closed = undefined;
    let frames = 0;
    socket.on('error', () => undefined);
    socket.on('close', (code, reason) => {
      if (this.socket === socket) this.closed = { code, reason: reason.toString() }; // not the late end of an earlier one
    });
    socket.on('message', data => {
      frames += 1;
      this.#receive(JSON.parse((data as Buffer).toString()) as Frame);
    });
    await eventually(() => {
      if (this.closed !== undefined) return true;
      return frames > 0;
    });
  }

  /** An action over the WebSocket. */
  request(action: string, parameters: Record<string, unknown> = {}): Promise<Frame> {
    const id = String(this.#nextId++);
    return new Promise(resolve => {
      this.#answers.set(id, resolve);
      this.socket?.send(JSON.stringify({ id, action, ...parameters }));
    });
  }

  close(): void {
    this.socket?.terminate();
  }

  #receive(frame: Frame): void {
    if (frame.id !== undefined) {
      this.#answers.get(String(frame.id))?.(frame);
      this.#answers.delete(String(frame.id));
      return;
    }
    if (frame.revision !== undefined && (frame.fullUpdate !== undefined || frame.deltaList !== undefined)) this.since = frame.revision;
    if (frame.fullUpdate !== undefined) this.fullUpdates.push(frame.fullUpdate);
    for (const delta of frame.deltaList ?? []) {
      this.deltas.push(delta);
      this.onDelta(delta);
    }
  }
}
