/**
 * The one store of the desk: what is known, what is looked at, and everything that follows from both. Components show it
 * and call actions.ts.
 */
import { batch, computed, effect, signal } from '@preact/signals';
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { ApiError, get } from '../shared/api.ts';
import type { LoggedInOperator } from '../shared/login.tsx';
import { type Drafts, openDrafts } from './drafts.ts';
import { type EndReason, Link, type LinkState } from './link.ts';
import { countTabs, isUnreadFor, orderedIds, shownIds, type Tab } from './lists.ts';
import { newsOf } from './news.ts';
import { Notifier } from './notify.ts';
import { Outbox } from './outbox.ts';
import { goTo, route } from './route.ts';
import { applyFrames, applyHistory, applyQueue, type ChatLog, type DeskState, EMPTY_DESK, openLog } from './state.ts';
import { sayError } from './toasts.ts';
import { Uploads } from './uploads.ts';
import type { Chat, Frame, Message, Operator, QueuePage, WordsKind } from './wire.ts';
import { callVisitor, fill, words } from './words.ts';
import { messageSummary } from './summary.ts';

export type DialogName =
  | 'transfer'
  | 'subject'
  | 'ban'
  | 'why'
  | 'close'
  | 'over-capacity'
  | 'search'
  | 'team'
  | 'canned'
  | 'help'
  | 'password';

export interface Composing {
  readonly kind: 'reply' | 'edit';
  readonly message: Message;
}

/** Frames that come within one are applied together: a busy desk is drawn at most so often. */
const FRAME_MS = 16;
const PAGE = 50;
/** Until so many chats are known further ones are asked for, page by page; then only when few of these wait, or the list is scrolled to its end. */
const ENOUGH_KNOWN = 3_000;
const FEW_WAITING = 100;
const ASK_AGAIN_MS = 3_000;
/** While a page of the queue is on its way; it is asked for again when more is heard. */
const MAX_HEARD = 5_000;
/** Somebody who has stopped without a word of it. */
const TYPING_MS = 30_000;

export class Store {
  readonly state = signal<DeskState>(EMPTY_DESK);
  readonly linkState = signal<LinkState>({ kind: 'connecting' });
  readonly tab = signal<Tab>('mine');
  readonly filter = signal('');
  /** Somebody points at the list or is in it by keyboard: its rows stay where they are. */
  readonly listIsHeld = signal(false);
  readonly dialog = signal<DialogName | null>(null);
  /** Set by the page's clock, each second. */
  readonly nowMs = signal(Date.now());
  readonly hasFocus = signal(document.hasFocus() && !document.hidden);
  /** For the live region. */
  readonly announced = signal('');
  /** What the composer is about, besides a new message. */
  readonly composing = signal<Composing | null>(null);
  /** Is the composer set to write notes? */
  readonly noteMode = signal(false);
  /** What is written or put in now. Another wording is of its message's kind; who replies to somebody's words answers the visitor. */
  readonly writing = computed<WordsKind>(() => {
    const about = this.composing.value;
    if (about === null) return this.noteMode.value ? 'for_operator' : 'operator';
    return about.kind === 'edit' && about.message.kind === 'for_operator' ? 'for_operator' : 'operator';
  });
  readonly historyIsLoading = signal(false);
  readonly queueIsLoading = signal(false);
  /** The message that was tapped, where nothing can be pointed at: it shows what can be done with it. */
  readonly pickedMessage = signal<string | null>(null);
  /** Counted up when what the visitor's card says has changed. */
  readonly cardRound = signal(0);

  readonly link: Link;
  readonly outbox: Outbox;
  readonly uploads = new Uploads();
  readonly drafts: Drafts;
  readonly notifier = new Notifier();
  readonly #dispose: (() => void)[] = [];

  constructor(operator: LoggedInOperator, onEnd: (reason: EndReason) => void) {
    this.drafts = openDrafts(operator.id);
    this.link = new Link({
      since: () => {
        this.#flush();
        return this.state.value.revision;
      },
      onFrame: frame => this.#receive(frame),
      onState: state => (this.linkState.value = state),
      onEnd,
    });
    this.outbox = new Outbox(this.link, operator.id);
    this.#watch();
  }

  readonly me = computed<Operator | undefined>(() => this.state.value.operators.get(this.state.value.myId));
  readonly isSupervisor = computed(() => this.me.value?.roles.some(role => role !== 'operator') ?? false);
  readonly isAdmin = computed(() => this.me.value?.roles.includes('admin') ?? false);
  readonly counts = computed(() => countTabs(this.state.value.chats.values(), this.state.value.myId));
  readonly selectedId = computed(() => route.value.chatId);

  readonly selected = computed<Chat | undefined>(() => {
    const { chats, past } = this.state.value;
    const id = this.selectedId.value;
    return id === null ? undefined : (chats.get(id) ?? past.get(id));
  });

  readonly log = computed<ChatLog | undefined>(() => this.state.value.logs.get(this.selectedId.value ?? 0));
  readonly isMine = computed(() => this.#isLive.value && this.selected.value?.operatorId === this.state.value.myId);
  readonly isAssignedToMe = computed(
    () => this.#isLive.value && this.selected.value?.state === 'queue' && this.selected.value.assignedOperatorId === this.state.value.myId,
  );

  /** Chats of his that wait for him. */
  readonly unreadCount = computed(() => {
    const { chats, myId } = this.state.value;
    let unread = 0;
    for (const chat of chats.values()) if (isUnreadFor(chat, myId)) unread += 1;
    return unread;
  });

  readonly #isLive = computed(() => this.state.value.chats.has(this.selectedId.value ?? 0));
  readonly #wanted = computed(() => {
    const { chats, myId } = this.state.value;
    return orderedIds(chats.values(), this.tab.value, myId, this.filter.value);
  });
  readonly #released = signal(0);
  #shownBefore: { readonly key: string; readonly ids: readonly number[] } = { key: '', ids: [] };
  /** Rows of the list; another list, another filter or `releaseList` begins anew. */
  readonly shown = computed(() => {
    const key = `${this.tab.value} ${this.#released.value} ${this.filter.value}`;
    const shown = shownIds(this.#shownBefore.ids, this.#wanted.value, this.listIsHeld.value && key === this.#shownBefore.key);
    this.#shownBefore = { key, ids: shown.ids };
    return shown;
  });
  /** The last that was seen of rows that have gone while the list is held. */
  readonly #ghosts = new Map<number, Chat>();

  /** With a plus when not all of them are known yet. */
  countOf(tab: Tab): string {
    const isPart = this.state.value.queueCursor !== null && (tab === 'queue' || tab === 'all');
    return `${this.counts.value[tab]}${isPart ? '+' : ''}`;
  }

  chatOfRow(id: number): Chat | undefined {
    return this.state.value.chats.get(id) ?? this.#ghosts.get(id);
  }

  /** A further page of the chats that the full update had no room for, if there is one. */
  async loadQueue(): Promise<void> {
    const cursor = this.state.peek().queueCursor;
    if (cursor === null || this.queueIsLoading.peek() || this.linkState.peek().kind !== 'open') return;
    this.queueIsLoading.value = true;
    const heard: Frame[] = [];
    let pauseMs = 0;
    try {
      this.#flush();
      this.#heard = heard;
      const page = await get<QueuePage>('/l/o/queue', { cursor, since: this.state.peek().revision });
      this.#flush();
      // A full update begins anew, and has a cursor of its own.
      const isValid = !heard.some(({ fullUpdate }) => fullUpdate !== undefined) && heard.length < MAX_HEARD;
      if (isValid) this.state.value = applyQueue(this.state.peek(), page, heard, Date.now());
    } catch {
      pauseMs = ASK_AGAIN_MS;
    } finally {
      this.#heard = undefined;
    }
    setTimeout(() => (this.queueIsLoading.value = false), pauseMs);
  }

  /** Files go as what is being written: a note's never to the visitor. */
  upload(chatId: number, files: Iterable<File>): void {
    this.uploads.send({ chatId, kind: this.writing.value }, files, this.state.value.limits.maxFileSize);
  }

  releaseList(): void {
    this.#released.value += 1;
  }

  /** Does its visitor type, as far as can be told? */
  typingIn(chatId: number) {
    const typing = this.state.value.typing.get(chatId);
    return typing !== undefined && this.nowMs.value - typing.atMs < TYPING_MS ? typing : undefined;
  }

  /** Seconds since 1970 by the server's clock. */
  nowTs(): number {
    return this.nowMs.value / 1_000 + this.state.value.clockAheadSeconds;
  }

  nameOfOperator(id: number | null): string {
    return (id === null ? undefined : this.state.value.operators.get(id)?.fullname) ?? words.somebodyElse;
  }

  nameOfDepartment(key: string | null): string {
    return key === null ? words.noDepartment : (this.state.value.departments.get(key)?.name ?? key);
  }

  sortOf(operator: Operator): string {
    return this.state.value.statuses.find(({ name }) => name === operator.status)?.sort ?? 'offline';
  }

  titleOfStatus(name: string): string {
    return words.statuses[name] ?? this.state.value.statuses.find(status => status.name === name)?.title ?? name;
  }

  /** Opens a chat; `chat` if it is one that was found, not one of the lists. */
  open(chatId: number, chat?: Chat): void {
    batch(() => {
      if (chat !== undefined) this.state.value = openLog(this.state.value, chatId, chat);
      this.dialog.value = null;
      goTo(chatId);
    });
  }

  async loadOlder(): Promise<void> {
    const chatId = this.selectedId.value;
    const log = this.log.value;
    if (chatId === null || log === undefined || this.historyIsLoading.value || (log.isLoaded && !log.hasOlder)) return;
    this.historyIsLoading.value = true;
    try {
      const [first] = log.messages;
      const before = log.isLoaded && first !== undefined ? { 'before-ts': String(first.ts_m) } : {};
      const page = await get<{ readonly messages: readonly Message[]; readonly hasMore: boolean }>('/l/o/history', {
        ...{ chatId: String(chatId), limit: String(PAGE) },
        ...before,
      });
      const now = this.state.value.logs.get(chatId);
      // A full update may have begun the texts anew: what is before others' beginning is no page of these.
      if (!log.isLoaded || now?.messages[0]?.id === first?.id) this.state.value = applyHistory(this.state.value, chatId, page);
    } catch (error) {
      sayError(error);
      // What may not be read is not asked for again.
      if (error instanceof ApiError && error.code !== 'no-connection' && error.code !== 'server-not-ready')
        this.state.value = applyHistory(this.state.value, chatId, { messages: [], hasMore: false });
    } finally {
      this.historyIsLoading.value = false;
    }
    // Another chat was chosen meanwhile.
    if (this.selectedId.peek() !== chatId && this.log.peek()?.isLoaded === false) void this.loadOlder();
  }

  stop(): void {
    this.link.end();
    this.outbox.stop();
    this.uploads.stop();
    this.notifier.stop();
    for (const dispose of this.#dispose) dispose();
    clearTimeout(this.#flushing);
    document.title = words.product;
  }

  /** What the server was told last that it is read, on this connection. */
  #told = '';
  #frames: Frame[] = [];
  /** What is heard while a page of the queue is on its way. */
  #heard: Frame[] | undefined;
  #flushing: ReturnType<typeof setTimeout> | undefined;

  #receive(frame: Frame): void {
    this.#frames.push(frame);
    if (this.#heard !== undefined && this.#heard.length < MAX_HEARD) this.#heard.push(frame);
    if (frame.fullUpdate !== undefined || document.hidden) this.#flush();
    else this.#flushing ??= setTimeout(() => this.#flush(), FRAME_MS);
  }

  #flush(): void {
    clearTimeout(this.#flushing);
    this.#flushing = undefined;
    const frames = this.#frames;
    if (frames.length === 0) return;
    this.#frames = [];
    const before = this.state.value;
    const after = applyFrames(before, frames, Date.now());
    this.#keepGhosts(before, after);
    this.state.value = after;
    this.#tellNews(before, after);
  }

  #keepGhosts(before: DeskState, after: DeskState): void {
    if (!this.listIsHeld.value) {
      this.#ghosts.clear();
      return;
    }
    for (const id of this.#shownBefore.ids) {
      const chat = before.chats.get(id);
      if (chat !== undefined && !after.chats.has(id)) this.#ghosts.set(id, chat);
    }
  }

  #tellNews(before: DeskState, after: DeskState): void {
    for (const { kind, chat } of newsOf(before, after)) {
      const name = callVisitor(chat.visitor);
      const text = fill({ assigned: words.newsAssigned, own: words.newsOwn, message: words.newsMessage }[kind], {
        name,
        text: chat.lastMessage === null ? '' : messageSummary(chat.lastMessage),
      });
      this.announced.value = text;
      const isLookedAt = this.hasFocus.value && this.selectedId.value === chat.id;
      if (!isLookedAt) this.notifier.tell(text, chat.id, () => this.open(chat.id));
    }
  }

  #watch(): void {
    const tick = setInterval(() => (this.nowMs.value = Date.now()), 1_000);
    const focus = (): void => void (this.hasFocus.value = document.hasFocus() && !document.hidden);
    for (const event of ['focus', 'blur']) addEventListener(event, focus);
    document.addEventListener('visibilitychange', focus);
    this.#dispose.push(
      () => clearInterval(tick),
      () => {
        for (const event of ['focus', 'blur']) removeEventListener(event, focus);
        document.removeEventListener('visibilitychange', focus);
      },
      effect(() => {
        document.title = this.unreadCount.value === 0 ? words.product : `(${this.unreadCount.value}) ${words.product}`;
      }),
      // A chat that is looked at needs its texts, also after a full update that came without them.
      effect(() => {
        const chat = this.selected.value;
        const isConnected = this.linkState.value.kind === 'open';
        if (chat === undefined) return;
        if (this.log.value === undefined) this.state.value = openLog(this.state.peek(), chat.id);
        else if (!this.log.value.isLoaded && isConnected && !this.historyIsLoading.peek()) void this.loadOlder();
      }),
      // Who takes what waits never runs out of it.
      effect(() => {
        const isConnected = this.linkState.value.kind === 'open';
        const hasMore = this.state.value.queueCursor !== null && !this.queueIsLoading.value;
        const looksAtUnknown = this.selectedId.value !== null && this.selected.value === undefined;
        const { all, queue } = this.counts.value;
        if (isConnected && hasMore && (looksAtUnknown || all < ENOUGH_KNOWN || queue < FEW_WAITING)) void this.loadQueue();
      }),
      // What is looked at is read, in all his tabs.
      effect(() => {
        const chat = this.selected.value;
        const isOpen = this.linkState.value.kind === 'open';
        if (!isOpen) this.#told = '';
        if (!isOpen || chat === undefined || chat.unreadByOperatorSinceTs === null || !this.isMine.value || !this.hasFocus.value) return;
        const telling = `${chat.id} ${chat.lastMessage?.id}`;
        if (telling !== this.#told) this.link.tell('chat.read', { chatId: chat.id });
        this.#told = telling;
      }),
      // What was sent and has come back needs no place in the outbox.
      effect(() => {
        const { logs } = this.state.value;
        const seen = new Set<string>();
        for (const { chatId, clientSideId } of this.outbox.items.value)
          if (logs.get(chatId)?.messages.some(message => message.clientSideId === clientSideId) === true) seen.add(clientSideId);
        if (seen.size > 0) this.outbox.seen(seen);
      }),
    );
  }
}

const StoreContext = createContext<Store | null>(null);
export const StoreProvider = StoreContext.Provider;

export function useStore(): Store {
  const store = useContext(StoreContext);
  if (store === null) throw new Error('there is no store around this component');
  return store;
}
