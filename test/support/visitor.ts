/**
 * A visitor over HTTP as the published SDKs speak (docs/protocol/visitor.md). Imports nothing from src, and holds every answer
 * against what SDKs can read.
 */
import { checkAnswer } from './sdk/check.ts';

export interface VisitorDelta {
  readonly objectType: string;
  readonly event: string;
  readonly id: string;
  readonly data: never;
}

export interface VisitorFullUpdate {
  readonly pageId: string;
  readonly authToken: string;
  readonly visitSessionId: string;
  readonly visitor: { readonly id: string };
  readonly state: string;
  readonly onlineStatus: string;
  readonly chat: { readonly id: number; readonly state: string; readonly messages: { text: string; clientSideId: string }[] } | null;
  readonly historyRevision: number;
}

export class Visitor {
  readonly #url: string;
  page: VisitorFullUpdate;
  since: string;
  readonly deltas: VisitorDelta[] = [];
  /** Called for each delta as it comes. */
  onDelta: (delta: VisitorDelta) => void = () => undefined;
  #polling: Promise<void> | undefined;
  readonly #stop = new AbortController();

  private constructor(url: string, revision: string, page: VisitorFullUpdate) {
    this.#url = url;
    this.since = revision;
    this.page = page;
  }

  static async init(url: string, query: Record<string, string> = {}): Promise<Visitor> {
    const params = new URLSearchParams({
      event: 'init',
      since: '0',
      'respond-immediately': 'true',
      platform: 'android',
      location: 'mobile',
      title: 'Test',
      ...query,
    });
    const response = await fetch(`${url}/l/v/m/init?${params.toString()}`);
    const body = (await response.json()) as { revision: string; fullUpdate?: VisitorFullUpdate; error?: string };
    checkAnswer('/l/v/m/init', query, body);
    if (body.fullUpdate === undefined) throw new Error(`init answered ${response.status} ${JSON.stringify(body)}`);
    return new Visitor(url, body.revision, body.fullUpdate);
  }

  get credentials(): Record<string, string> {
    return { 'page-id': this.page.pageId, 'auth-token': this.page.authToken };
  }

  async action(
    action: string,
    parameters: Record<string, string> = {},
  ): Promise<{ result?: string; error?: string; argumentName?: string }> {
    const response = await fetch(`${this.#url}/l/v/m/action`, {
      method: 'POST',
      body: new URLSearchParams({ action, ...this.credentials, ...parameters }),
    });
    return (await response.json()) as never;
  }

  async send(text: string, clientSideId: string): Promise<void> {
    const answer = await this.action('chat.message', { message: text, 'client-side-id': clientSideId });
    if (answer.result !== 'ok') throw new Error(`chat.message answered ${JSON.stringify(answer)}`);
  }

  async get(path: string, parameters: Record<string, string> = {}): Promise<never> {
    const response = await fetch(`${this.#url}${path}?${new URLSearchParams({ ...this.credentials, ...parameters }).toString()}`, {
      signal: this.#stop.signal,
    });
    if (response.status === 502) throw new Error('502');
    const body: unknown = await response.json();
    checkAnswer(path, parameters, body);
    return body as never;
  }

  /** One poll; follows the frame as an SDK does. */
  async poll(): Promise<{ revision?: string; fullUpdate?: VisitorFullUpdate; deltaList?: VisitorDelta[]; error?: string }> {
    const frame: { revision?: string; fullUpdate?: VisitorFullUpdate; deltaList?: VisitorDelta[]; error?: string } = await this.get(
      '/l/v/m/delta',
      { since: this.since },
    );
    if (frame.error !== undefined) return frame;
    if (frame.revision !== undefined) this.since = frame.revision;
    if (frame.fullUpdate !== undefined) this.page = frame.fullUpdate;
    for (const delta of frame.deltaList ?? []) {
      this.deltas.push(delta);
      this.onDelta(delta);
    }
    return frame;
  }

  /** Polls until stopped, going on after lost connections and 502 as SDKs do. */
  startPolling(): void {
    const stopped = (): boolean => this.#stop.signal.aborted;
    this.#polling = (async () => {
      while (!stopped()) {
        try {
          const { error } = await this.poll();
          if (error !== undefined) return;
        } catch {
          if (stopped()) return;
          await new Promise(resolve => setTimeout(resolve, 100));
        }
      }
    })();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#polling;
  }
}
