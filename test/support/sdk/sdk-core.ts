/** The three loops of an app put together, and what it shows. */
import { type Action, ActionQueue, type Handled, HANDLED, type Result } from './action-queue.ts';
import type { Configs, Frame } from './answers.ts';
import { Conversation, type Outgoing, type Shown } from './conversation.ts';
import type { Chat, Message } from './decode.ts';
import { DeltaLoop } from './delta-loop.ts';
import { HistoryLoop } from './history-loop.ts';
import type { JsonObject } from './json.ts';
import { type Identity, type Page, Session } from './session.ts';
import type { Platform, Seen } from './wire.ts';

/** What an app keeps over a restart. */
export interface Stored {
  readonly identity: Identity;
  readonly visitorExt: string | undefined;
  readonly historyRevision: string | undefined;
  readonly history: readonly Message[];
  readonly outgoing: readonly Outgoing[];
}

export interface SdkOptions {
  readonly url: string;
  readonly platform: Platform;
  readonly location?: string;
  readonly visitorExt?: object;
  readonly providedAuthToken?: string;
  /** The pauses of the apps are this much shorter; their read timeouts are not. */
  readonly timeScale?: number;
  readonly pollTimeoutMs?: number;
  readonly stored?: Stored;
}

export abstract class SdkCore {
  /** Items of delta answers, as they came. */
  readonly deltas: JsonObject[] = [];
  protected readonly session: Session;
  protected readonly conversation: Conversation;
  readonly #deltaLoop: DeltaLoop;
  readonly #actions: ActionQueue;
  readonly #historyLoop: HistoryLoop;
  #running: Promise<unknown> | undefined;
  /** Not answered when the app was ended; to be sent again. */
  #unsent: readonly Outgoing[];

  constructor(options: SdkOptions) {
    const { url, platform, location = 'mobile', providedAuthToken, timeScale = 0.02, pollTimeoutMs = 44_000 } = options;
    const visitorExt = options.visitorExt === undefined ? undefined : JSON.stringify(options.visitorExt);
    // Other fields than last time: another visitor.
    const stored = options.stored?.visitorExt === visitorExt ? options.stored : undefined;
    this.session = new Session({ url, platform, location, visitorExt, providedAuthToken, timeScale, pollTimeoutMs }, stored?.identity);
    this.conversation = new Conversation(platform, stored);
    this.#unsent = (stored?.outgoing ?? []).filter(({ sendStatus, kind }) => sendStatus === 'SENDING' && kind === 'visitor');
    this.#deltaLoop = new DeltaLoop(this.session, {
      onFullUpdate: frame => this.#onFullUpdate(frame),
      onDeltas: frame => this.#onDeltas(frame),
    });
    this.#actions = new ActionQueue(this.session);
    this.#historyLoop = new HistoryLoop(this.session, stored?.historyRevision, messages => this.conversation.remember(messages));
  }

  start(): void {
    const loops = [() => this.#deltaLoop.run(), () => this.#actions.run(), () => this.#historyLoop.run()];
    this.#running ??= Promise.all(loops.map(loop => this.session.guard(loop)));
  }

  async stop(): Promise<void> {
    this.session.wire.stop();
    await this.#running;
  }

  /** Why the session was destroyed. */
  get fatal(): string | undefined {
    return this.session.fatal;
  }

  /** Why the app would have died. */
  get crash(): string | undefined {
    return this.session.crash;
  }

  /** online, busy_online, offline, busy_offline, unknown. */
  get status(): string {
    return this.conversation.onlineStatus;
  }

  /** idle, chat, idle-after-chat, … */
  get sessionState(): string {
    return this.conversation.sessionState;
  }

  get chat(): Chat | null {
    return this.conversation.chat;
  }

  get operator(): Chat['operator'] {
    return this.chat?.operator ?? null;
  }

  /** Of the current chat, and what is on its way. */
  get messages(): readonly Shown[] {
    return this.conversation.messages;
  }

  get history(): readonly Message[] {
    return this.conversation.history;
  }

  get historyRevision(): string | undefined {
    return this.#historyLoop.revision;
  }

  get unreadByVisitor(): number {
    return this.conversation.unreadByVisitor.msgCnt;
  }

  get rates(): ReadonlyMap<number, { readonly rating: number }> {
    return this.conversation.rates;
  }

  get departments(): readonly { readonly key: string; readonly online: string }[] {
    return this.conversation.departments ?? [];
  }

  /** What came and could not be shown. */
  get ignored(): readonly string[] {
    return this.conversation.ignored;
  }

  get page(): Page | undefined {
    return this.session.page;
  }

  get since(): string {
    return this.session.since;
  }

  get configs(): Configs | undefined {
    return this.#deltaLoop.configs;
  }

  /** Everything that went over the wire. */
  get seen(): readonly Seen[] {
    return this.session.wire.seen;
  }

  get stored(): Stored {
    const { identity, options } = this.session;
    const outgoing = [...this.conversation.outgoing.values()];
    return { identity, visitorExt: options.visitorExt, historyRevision: this.historyRevision, history: this.history, outgoing };
  }

  changeLocation(location: string): void {
    void this.session.guard(() => this.#deltaLoop.changeLocation(location));
  }

  /** Goes on from another revision, as after a long sleep. */
  pollFrom(since: string): void {
    this.#deltaLoop.pollFrom(since);
  }

  /** One page of what is older than all that is known; whether there is more. */
  async older(): Promise<boolean> {
    const before = this.history[0]?.ts_m ?? Date.now() * 1_000;
    let hasMore = false;
    await this.session.guard(async () => {
      ({ hasMore } = await this.#historyLoop.before(before));
    });
    return hasMore;
  }

  action(name: string, parameters: Readonly<Record<string, string>> = {}, handled: Handled = HANDLED[name] ?? []): Promise<Result> {
    return this.enqueue({ call: { method: 'POST', path: '/l/v/m/action', parameters: { action: name, ...parameters } }, handled });
  }

  protected enqueue(action: Action): Promise<Result> {
    return this.#actions.add(action);
  }

  protected abstract resend(outgoing: Outgoing): void;

  #onFullUpdate({ fullUpdate }: Frame): void {
    if (fullUpdate === undefined) return;
    this.conversation.applyFullUpdate(fullUpdate);
    if (fullUpdate.historyRevision !== undefined) this.#historyLoop.hear(fullUpdate.historyRevision);
    for (const outgoing of this.#unsent) if (this.conversation.outgoing.has(outgoing.clientSideId)) this.resend(outgoing);
    this.#unsent = [];
  }

  #onDeltas({ deltaList, rawDeltas }: Frame): void {
    this.deltas.push(...rawDeltas);
    for (const delta of deltaList) {
      if (delta === undefined) continue;
      this.conversation.applyDelta(delta);
      if (delta.objectType === 'HISTORY_REVISION') this.#historyLoop.hear(delta.data.revision);
      const isOffline = delta.objectType === 'VISIT_SESSION_STATE' && delta.data === 'offline-message';
      if (isOffline && this.session.isAndroid) void this.action('chat.close');
    }
  }
}
