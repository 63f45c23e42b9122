/** What the app shows: the current chat, the history, and what is on its way; changed by full updates and deltas alone. */
import type { FullUpdate, KnownDelta } from './answers.ts';
import type { Chat, Message, Rate } from './decode.ts';
import type { Platform } from './wire.ts';

export type SendStatus = 'SENDING' | 'SENT' | 'FAILED';

/** Written here, not yet heard of from the server. */
export interface Outgoing {
  readonly clientSideId: string;
  readonly kind: string;
  readonly text: string;
  readonly sendStatus: SendStatus;
  readonly error?: string;
}

export interface Shown extends Partial<Omit<Message, keyof Outgoing>>, Outgoing {}

const KINDS = [
  'visitor',
  'operator',
  'info',
  'operator_busy',
  'file_visitor',
  'file_operator',
  'keyboard',
  'keyboard_response',
  'sticker_visitor',
  'action_request',
  'cont_req',
];
const CLOSED = ['closed', 'closed_by_operator', 'closed_by_visitor', 'unknown'];
const NOT_READ = { sinceTs: 0, msgCnt: 0 };

export class Conversation {
  chat: Chat | null = null;
  onlineStatus = 'unknown';
  sessionState = 'unknown';
  departments: FullUpdate['departments'] = [];
  survey: FullUpdate['survey'] = null;
  unreadByVisitor: { readonly sinceTs: number; readonly msgCnt: number } = NOT_READ;
  /** From the chat.start until the server says what became of it. */
  isChatBeingOpened = false;
  readonly rates = new Map<number, Rate>();
  readonly outgoing = new Map<string, Outgoing>();
  /** What came and was not shown: unknown kinds, messages without a chat. */
  readonly ignored: string[] = [];
  readonly #platform: Platform;
  readonly #history = new Map<string, Message>();
  /** Times are keys of the history in memory; whose is whose. */
  readonly #times = new Map<number, string>();

  constructor(platform: Platform, { history = [], outgoing = [] }: { history?: readonly Message[]; outgoing?: readonly Outgoing[] } = {}) {
    this.#platform = platform;
    this.remember(history);
    for (const one of outgoing) this.outgoing.set(one.clientSideId, one);
  }

  /** Would a message need a chat.start first? */
  get isClosed(): boolean {
    const state = this.chat?.state ?? 'unknown';
    return CLOSED.includes(state) || (this.#platform === 'android' && state === 'deleted');
  }

  get messages(): readonly Shown[] {
    return [...(this.chat?.messages ?? []).filter(message => this.#isShown(message)).map(sent), ...this.outgoing.values()];
  }

  get history(): readonly Message[] {
    return [...this.#history.values()].sort((a, b) => a.ts_m - b.ts_m);
  }

  applyFullUpdate(update: FullUpdate): void {
    this.isChatBeingOpened = false;
    this.onlineStatus = update.onlineStatus;
    this.sessionState = update.state;
    if (update.departments !== undefined) this.departments = update.departments;
    this.survey = update.survey;
    this.#setChat(update.chat);
  }

  applyDelta(delta: KnownDelta): void {
    switch (delta.objectType) {
      case 'CHAT':
        return this.#setChat(delta.data);
      case 'CHAT_MESSAGE':
        if (delta.event === 'del') return this.#remove(delta.id);
        return delta.data === null ? undefined : this.#put(delta.data, delta.event);
      case 'CHAT_STATE':
        return this.#change({ state: delta.data });
      case 'CHAT_OPERATOR':
        return this.#change({ operator: delta.data });
      case 'CHAT_OPERATOR_TYPING':
        return this.#change({ operatorTyping: delta.data });
      case 'CHAT_READ_BY_VISITOR':
        if (delta.data) this.unreadByVisitor = NOT_READ;
        return this.#change({ readByVisitor: delta.data });
      case 'CHAT_UNREAD_BY_OPERATOR_SINCE_TS':
        return this.#change({ unreadByOperatorSinceTs: delta.data });
      case 'UNREAD_BY_VISITOR':
        this.unreadByVisitor = delta.data;
        return;
      case 'MESSAGE_READ':
        return this.#markRead(delta.id, delta.data);
      case 'VISIT_SESSION_STATE':
        this.isChatBeingOpened = false;
        this.sessionState = delta.data;
        if (delta.data === 'offline-message') this.onlineStatus = 'offline';
        return;
      case 'DEPARTMENT_LIST':
        this.departments = delta.data;
        return;
      case 'OPERATOR_RATE':
        this.rates.set(delta.data.operatorId, delta.data);
        return;
      case 'SURVEY':
        this.survey = delta.data;
        return;
      case 'HISTORY_REVISION':
      case 'VISITOR_FULL':
      case 'CHAT_ID':
      case 'VISIT_SESSION_LANG':
        return;
    }
  }

  /** Messages of the history: they confirm what was sent, too. */
  remember(messages: readonly Message[]): void {
    for (const message of messages) {
      this.#arrived(message.clientSideId);
      this.#checkTime(message);
      if (message.deleted === true) {
        this.#history.delete(message.clientSideId);
        this.#removeFromChat(message.id);
      } else if (this.#isShown(message)) this.#history.set(message.clientSideId, message);
      else if (message.kind !== 'contacts') this.ignored.push(`a message of kind ${message.kind}`);
    }
  }

  clearHistory(): void {
    this.#history.clear();
  }

  #setChat(chat: Chat | null): void {
    this.chat = chat;
    if (chat === null) return;
    for (const rate of Object.values(chat.operatorIdToRate ?? {})) this.rates.set(rate.operatorId, rate);
    this.unreadByVisitor = { sinceTs: chat.unreadByVisitorSinceTs ?? 0, msgCnt: chat.unreadByVisitorMsgCnt ?? 0 };
    const ids = chat.messages.map(message => message.clientSideId);
    if (new Set(ids).size !== ids.length) throw new Error(`a chat with two messages of one clientSideId: ${ids.join()}`);
    this.remember(chat.messages);
  }

  #change(changes: Partial<Chat>): void {
    if (this.chat === null) this.ignored.push(`${Object.keys(changes).join()} without a chat`);
    else this.chat = { ...this.chat, ...changes };
  }

  #put(message: Message, event: 'add' | 'upd'): void {
    this.remember([message]);
    if (this.chat === null) return void this.ignored.push('CHAT_MESSAGE without a chat');
    const { messages } = this.chat;
    if (event === 'upd') {
      if (!messages.some(({ id }) => id === message.id)) this.ignored.push(`upd of ${message.id}, which is not in the chat`);
      this.#change({ messages: messages.map(old => (old.id === message.id ? message : old)) });
    } else if (!messages.some(({ clientSideId }) => clientSideId === message.clientSideId)) {
      this.#change({ messages: [...messages, message] });
    }
  }

  #remove(id: string): void {
    for (const message of this.#history.values()) if (message.id === id) this.#history.delete(message.clientSideId);
    this.#removeFromChat(id);
  }

  #removeFromChat(id: string): void {
    if (this.chat !== null) this.#change({ messages: this.chat.messages.filter(message => message.id !== id) });
  }

  #markRead(id: string, read: boolean): void {
    const mark = (message: Message): Message => (message.id === id ? { ...message, read } : message);
    if (this.chat !== null) this.#change({ messages: this.chat.messages.map(mark) });
    for (const [key, message] of this.#history) this.#history.set(key, mark(message));
  }

  #arrived(clientSideId: string): void {
    this.outgoing.delete(clientSideId);
  }

  /** Unique among all messages of the visitor, and never another one for the same message. */
  #checkTime(message: Message): void {
    const known = this.#history.get(message.clientSideId);
    if (known !== undefined && known.ts_m !== message.ts_m) throw new Error(`ts_m of ${message.clientSideId} changed`);
    if (known !== undefined && known.id !== message.id) throw new Error(`id of ${message.clientSideId} changed`);
    const owner = this.#times.get(message.ts_m) ?? message.clientSideId;
    if (owner !== message.clientSideId) throw new Error(`ts_m ${message.ts_m} belongs to ${owner} and ${message.clientSideId}`);
    this.#times.set(message.ts_m, owner);
  }

  #isShown({ kind }: Message): boolean {
    return KINDS.includes(kind) || (kind === 'contacts' && this.#platform === 'ios');
  }
}

const sent = (message: Message): Shown => ({ ...message, sendStatus: 'SENT' });
