/** All state of the widget, as signals; the views show it and call actions.ts. Here it is kept true to the server. */
import { batch, computed, effect, signal } from '@preact/signals';
import { Attention } from './attention.ts';
import { Calls, CallError, type Parameters } from './calls.ts';
import { isFlag, isPrechat, isText, type Prechat } from './forms.ts';
import { Link, type LinkState } from './link.ts';
import { followPage } from './follow-page.ts';
import { Memory } from './memory.ts';
import type { Options } from './options.ts';
import { Outbox } from './outbox.ts';
import { isHidden, listen, site } from './site.ts';
import { applyFrame, applyHistory, isBehind, NOTHING_YET } from './state.ts';
import { Typing } from './typing.ts';
import { Uploads } from './uploads.ts';
import { type Frame, isFromOperator, isOpen, type Message } from './wire.ts';
import { type Words, wordsOf } from './words.ts';

/** What the text in the input is for. */
export type Purpose = { readonly is: 'new' } | { readonly is: 'reply'; readonly message: Message } | Edit;

/** `draft`: what he had begun to write before, and goes on with after. */
export interface Edit {
  readonly is: 'edit';
  readonly message: Message;
  readonly draft: string;
}

/** A few words that go away by themselves. */
export interface Notice {
  readonly text: string;
  readonly isBad: boolean;
}

const NOTICE_MS = 6_000;

export class Store {
  readonly options: Options;
  readonly words: Words;
  readonly calls: Calls;
  readonly link: Link;
  readonly memory: Memory;
  readonly outbox: Outbox;
  readonly uploads: Uploads;
  readonly typing: Typing;
  readonly attention: Attention;

  readonly conversation = signal(NOTHING_YET);
  readonly linkState = signal<LinkState>('connecting');
  /** The panel. */
  readonly isOpen = signal(false);
  readonly isMuted = signal(false);
  readonly isPageVisible = signal(!isHidden());
  readonly draft = signal('');
  readonly purpose = signal<Purpose>({ is: 'new' });
  /** New words of his, also while he changes old ones. */
  readonly newText = computed(() => (this.purpose.value.is === 'edit' ? this.purpose.value.draft : this.draft.value));
  readonly prechat = signal<Prechat | undefined>(undefined);
  /** `asked`: from the menu. `hidden`: he does not want to. */
  readonly rating = signal<'by-itself' | 'asked' | 'hidden' | 'done'>('by-itself');
  readonly notice = signal<Notice | undefined>(undefined);
  /** For who listens instead of looking. */
  readonly announcement = signal('');

  readonly hasOpenChat = computed(() => isOpen(this.conversation.value.chat));
  readonly unreadCount = computed(() => (this.hasOpenChat.value ? (this.conversation.value.chat?.unreadByVisitorMsgCnt ?? 0) : 0));
  /** What the server says is there, since the first full update. */
  readonly isKnown = signal(false);
  /** He has begun to fill in the offline form, which must not go away under his hands. */
  readonly isLeavingMessage = signal(false);
  /** Nobody would answer now. */
  readonly isAway = computed(() => {
    if (this.isLeavingMessage.value && !this.hasOpenChat.value) return true;
    const { onlineStatus, departments } = this.conversation.value;
    const statuses = this.options.choosesDepartment && departments.length > 0 ? departments.map(({ online }) => online) : [onlineStatus];
    return !this.hasOpenChat.value && statuses.every(status => status.endsWith('offline'));
  });
  readonly canAct = computed(() => this.isKnown.value && this.linkState.value !== 'banned');
  readonly canWrite = computed(() => this.canAct.value && !this.isAway.value && !this.asksBefore.value);
  /** Where to answer is asked for; not while what he has written is on its way. */
  readonly asksOffline = computed(() => this.canAct.value && this.isAway.value && this.outbox.entries.value.length === 0);
  /** Fields that are to be asked for and are not known. */
  readonly missingFields = computed(() => {
    const { fields } = this.conversation.value;
    return this.options.prechat.filter(field => (fields[field] ?? '') === '');
  });
  readonly asksBefore = computed(() => {
    if (!this.canAct.value || this.hasOpenChat.value || this.isAway.value || this.prechat.value !== undefined) return false;
    return this.missingFields.value.length > 0 || this.asksDepartment.value;
  });
  readonly asksDepartment = computed(() => this.options.choosesDepartment && this.conversation.value.departments.length > 1);
  readonly asksRating = computed(() => {
    const { chat, survey } = this.conversation.value;
    if (this.rating.value !== 'by-itself') return this.rating.value !== 'hidden';
    if (chat?.operator == null || isOpen(chat) || survey !== null) return false;
    return chat.operatorIdToRate[chat.operator.id] === undefined;
  });

  #isCatchingUp = false;
  #noticeTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: Options) {
    this.options = options;
    this.words = wordsOf(options.language);
    this.memory = new Memory(options.server, options.location);
    this.calls = new Calls(options);
    this.link = new Link(this.calls, this.memory, options.signedVisitor, {
      onFrame: frame => this.#receive(frame),
      onState: state => this.#linkIs(state),
    });
    this.outbox = new Outbox(this.link, this.memory);
    this.uploads = new Uploads(this.calls, this.link);
    this.attention = new Attention(this.memory);
    this.typing = new Typing((isTyping, draft) => {
      if (this.hasOpenChat.value) this.try('chat.visitor_typing', { typing: String(isTyping), 'message-draft': draft.slice(0, 2_000) });
    });
    this.isOpen.value = this.memory.tab.read('open', isFlag) ?? options.isOpenAtFirst;
    this.isMuted.value = this.memory.site.read('muted', isFlag) === true;
    this.draft.value = this.memory.tab.read('draft', isText) ?? '';
    this.prechat.value = this.memory.tab.read('prechat', isPrechat);
  }

  start(): void {
    listen(site.document, 'visibilitychange', () => (this.isPageVisible.value = !isHidden()));
    followPage(() => this.hasOpenChat.value && this.linkState.value === 'up' && this.act('widget.update', {}));
    effect(() => this.memory.tab.write('open', this.isOpen.value));
    effect(() => this.memory.site.write('muted', this.isMuted.value));
    effect(() => this.memory.tab.write('draft', this.newText.value === '' ? undefined : this.newText.value));
    effect(() => this.memory.tab.write('prechat', this.prechat.value));
    effect(() => {
      if (this.isOpen.value && this.linkState.value === 'up' && this.conversation.value.history === 'not-loaded') void this.#catchUp();
    });
    effect(() => {
      const isSeen = this.isOpen.value && this.isPageVisible.value && this.linkState.value === 'up';
      if (isSeen && this.unreadCount.value > 0) this.try('chat.read_by_visitor', {});
    });
    this.link.start();
  }

  /** Throws CallError. */
  act(action: string, parameters: Parameters): Promise<void> {
    return this.link.act(action, parameters);
  }

  /** What matters to nobody when it fails. */
  try(action: string, parameters: Parameters): void {
    this.act(action, parameters).catch(() => undefined);
  }

  /** What the visitor has asked for: he is told when it did not work. True: it did. */
  async request(action: string, parameters: Parameters): Promise<boolean> {
    try {
      await this.act(action, parameters);
      return true;
    } catch (error) {
      this.say(this.words.failure(error instanceof CallError ? error.code : ''), true);
      return false;
    }
  }

  say(text: string, isBad = false): void {
    clearTimeout(this.#noticeTimer);
    this.notice.value = { text, isBad };
    this.#noticeTimer = setTimeout(() => (this.notice.value = undefined), NOTICE_MS);
  }

  #receive(frame: Frame): void {
    batch(() => {
      const before = this.conversation.value;
      this.conversation.value = applyFrame(before, frame);
      if (frame.fullUpdate !== undefined) this.isKnown.value = true;
      this.#confirm();
      const { chat, survey } = this.conversation.value;
      if (isOpen(chat) && !isOpen(before.chat)) this.rating.value = 'by-itself';
      if (survey !== null && this.rating.value === 'by-itself') this.rating.value = 'hidden'; // one of them is enough
    });
    for (const { objectType, event, data } of frame.deltaList ?? []) {
      if (objectType === 'CHAT_MESSAGE' && event === 'add') this.#notice(data as Message);
    }
    if (isBehind(this.conversation.value)) void this.#catchUp();
  }

  #linkIs(state: LinkState): void {
    this.linkState.value = state;
    if (state !== 'up') return;
    this.outbox.resend();
    this.uploads.resend();
  }

  #confirm(): void {
    const ids = new Set(this.conversation.value.messages.map(({ clientSideId }) => clientSideId));
    this.outbox.confirm(ids);
    this.uploads.confirm(ids);
  }

  #notice(message: Message): void {
    if (!isFromOperator(message)) return;
    const { words } = this;
    this.announcement.value = words.announcement(message.name, words.shortTextOf(message));
    if (this.isOpen.value && this.isPageVisible.value) return;
    if (!this.isMuted.value) this.attention.ring(message.id);
    this.attention.blink(`(${Math.max(1, this.unreadCount.value)}) ${words.newMessage}`);
  }

  /** The newest messages at first, later what has changed since. */
  async #catchUp(): Promise<void> {
    const { page } = this.link;
    if (this.#isCatchingUp || page === undefined) return;
    this.#isCatchingUp = true;
    try {
      for (let goesOn = true; goesOn; ) {
        const { history, historyRevision: since, announcedRevision } = this.conversation.value;
        const isFirst = history === 'not-loaded';
        const found = await this.calls.history(page, isFirst ? undefined : since);
        batch(() => {
          const now = applyHistory(this.conversation.value, found);
          const isAtEnd = found.messages.length === 0;
          // Not every change is for the visitor's eyes: where nothing comes, nothing of what was told before is missing.
          this.conversation.value = isAtEnd ? { ...now, historyRevision: Math.max(now.historyRevision, announcedRevision) } : now;
          this.#confirm();
        });
        goesOn = (!isFirst && found.hasMore) || isBehind(this.conversation.value);
      }
    } catch {
      // The next frame, or the next opening of the panel, asks again.
    } finally {
      this.#isCatchingUp = false;
    }
  }
}
