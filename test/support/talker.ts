/**
 * A visitor who talks until stopped, whatever happens to nodes and database, as an app (polls) or the widget (WebSocket) would: the
 * same client id until it is answered, an init with the visitor object when the page is not known any more. Keeps what a person would
 * see on the screen. Imports nothing from src.
 */
import { setTimeout as wait } from 'node:timers/promises';
import WebSocket from 'ws';

interface Message {
  readonly id: string;
  readonly text: string;
}

interface FullUpdate {
  readonly pageId: string;
  readonly authToken: string;
  readonly visitSessionId: string;
  readonly visitor: object;
  readonly chat: { readonly messages: readonly Message[] } | null;
}

interface Frame {
  readonly revision?: string;
  readonly fullUpdate?: FullUpdate;
  readonly deltaList?: readonly { readonly objectType: string; readonly event: string; readonly id: string; readonly data: unknown }[];
  readonly error?: string;
}

const BETWEEN_MS = 40;

export class Talker {
  readonly name: string;
  /** Texts in the order of their answers. */
  readonly acknowledged: string[] = [];
  /** Since the start, or since they were forgotten. */
  fullUpdates = 0;
  readonly #url: string;
  readonly #stopping = new AbortController();
  readonly #screen = new Map<string, string>();
  #page: FullUpdate | undefined;
  #since = '';
  #initiating: Promise<void> | undefined;
  #working: Promise<unknown> = Promise.resolve();

  private constructor(url: string, name: string) {
    this.#url = url;
    this.name = name;
  }

  static async start(url: string, name: string, { webSocket }: { readonly webSocket: boolean }): Promise<Talker> {
    const talker = new Talker(url, name);
    await talker.#init();
    talker.#working = Promise.all([talker.#talk(), webSocket ? talker.#watch() : talker.#poll()]);
    return talker;
  }

  forgetFullUpdates(): void {
    this.fullUpdates = 0;
  }

  /** The texts on the screen, after everything that has come so far. */
  async shown(): Promise<string[]> {
    await this.#working;
    return [...this.#screen.values()];
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#working;
  }

  #isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** One at a time, however many have found out that the page is gone. */
  #initAgain(page: FullUpdate | undefined): Promise<void> {
    if (page !== this.#page) return Promise.resolve();
    this.#initiating ??= this.#init().finally(() => (this.#initiating = undefined));
    return this.#initiating;
  }

  async #init(): Promise<void> {
    const known =
      this.#page === undefined ? {} : { visitor: JSON.stringify(this.#page.visitor), 'visit-session-id': this.#page.visitSessionId };
    while (!this.#isStopped()) {
      const frame = await this.#get('/l/v/m/init', { event: 'init', platform: 'android', location: 'mobile', title: 'Test', ...known });
      if (frame?.fullUpdate !== undefined) return this.#take(frame);
      await wait(100);
    }
  }

  async #talk(): Promise<void> {
    for (let i = 0; !this.#isStopped(); i++) {
      const text = `${this.name} ${i}`;
      while (!(await this.#say(text)) && !this.#isStopped()) await wait(100);
      if (!this.#isStopped()) this.acknowledged.push(text);
      await wait(BETWEEN_MS);
    }
  }

  /** True: it was acknowledged. */
  async #say(text: string): Promise<boolean> {
    const page = this.#page;
    try {
      const response = await fetch(`${this.#url}/l/v/m/action`, {
        method: 'POST',
        body: new URLSearchParams({
          action: 'chat.message',
          message: text,
          'client-side-id': text.replaceAll(' ', '-'),
          ...this.#credentials(),
        }),
      });
      const { result, error } = (await response.json()) as { result?: string; error?: string };
      if (error === 'reinit-required') await this.#initAgain(page);
      return result === 'ok';
    } catch {
      return false;
    }
  }

  async #poll(): Promise<void> {
    while (!this.#isStopped()) {
      const page = this.#page;
      const frame = await this.#get('/l/v/m/delta', { ...this.#credentials(), since: this.#since });
      if (frame?.error === 'reinit-required') await this.#initAgain(page);
      else if (frame !== undefined && frame.error === undefined) this.#take(frame);
      else await wait(100);
    }
  }

  async #watch(): Promise<void> {
    while (!this.#isStopped()) {
      const page = this.#page;
      const code = await this.#connect();
      if (code === 4410) await this.#initAgain(page);
      else await wait(100);
    }
  }

  /** The close code. */
  #connect(): Promise<number> {
    const query = new URLSearchParams({ ...this.#credentials(), since: this.#since });
    const socket = new WebSocket(`${this.#url.replace(/^http/, 'ws')}/ws/v/delta?${query.toString()}`);
    const end = (): void => socket.terminate();
    this.#stopping.signal.addEventListener('abort', end);
    return new Promise(resolve => {
      socket.on('error', () => undefined);
      socket.on('message', data => this.#take(JSON.parse((data as Buffer).toString()) as Frame));
      socket.on('close', code => {
        this.#stopping.signal.removeEventListener('abort', end);
        resolve(code);
      });
    });
  }

  #credentials(): Record<string, string> {
    return { 'page-id': this.#page?.pageId ?? '', 'auth-token': this.#page?.authToken ?? '' };
  }

  /** undefined: try later. */
  async #get(path: string, query: Record<string, string>): Promise<Frame | undefined> {
    try {
      const response = await fetch(`${this.#url}${path}?${new URLSearchParams(query).toString()}`, { signal: this.#stopping.signal });
      return response.status === 200 ? ((await response.json()) as Frame) : undefined;
    } catch {
      return undefined;
    }
  }

  #take({ revision, fullUpdate, deltaList = [] }: Frame): void {
    if (revision !== undefined) this.#since = revision;
    if (fullUpdate !== undefined) {
      this.fullUpdates += 1;
      this.#page = fullUpdate;
      this.#screen.clear();
      for (const { id, text } of fullUpdate.chat?.messages ?? []) this.#screen.set(id, text);
    }
    for (const { objectType, event, id, data } of deltaList) {
      if (objectType !== 'CHAT_MESSAGE') continue;
      if (event === 'del') this.#screen.delete(id);
      else this.#screen.set(id, (data as Message).text);
    }
  }
}
