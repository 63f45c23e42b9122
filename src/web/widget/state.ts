/**
 * What the widget knows of its visitor's conversation, and how frames of the server change it. Pure: link.ts brings the frames,
 * store.ts keeps the result, the views show it.
 */
import type {
  Chat,
  ChatState,
  Delta,
  Department,
  Frame,
  FullUpdate,
  HistoryPage,
  Message,
  OnlineStatus,
  Operator,
  QueuePlace,
  Rating,
  Survey,
  Visitor,
  WireChat,
} from './wire.ts';

export interface Conversation {
  /** The open one, or the one that was closed while somebody looked. */
  readonly chat: Chat | null;
  /** Of all chats, as far as they were loaded; in order of time. */
  readonly messages: readonly Message[];
  readonly fields: Readonly<Record<string, string>>;
  readonly onlineStatus: OnlineStatus;
  readonly departments: readonly Department[];
  readonly queue: QueuePlace | null;
  readonly survey: Survey | null;
  /** What to say to whoever has not said anything yet; '' for nothing. */
  readonly greeting: string;
  /** `messages` has every change up to here, in microseconds; only once the history was loaded. */
  readonly historyRevision: number;
  /** The newest change that the server has told of. */
  readonly announcedRevision: number;
  readonly history: 'not-loaded' | 'has-more' | 'complete';
}

export const NOTHING_YET: Conversation = {
  chat: null,
  messages: [],
  fields: {},
  onlineStatus: 'online',
  departments: [],
  queue: null,
  survey: null,
  greeting: '',
  historyRevision: 0,
  announcedRevision: 0,
  history: 'not-loaded',
};

export function applyFrame(before: Conversation, frame: Frame): Conversation {
  if (frame.fullUpdate !== undefined) return applyFullUpdate(before, frame.fullUpdate);
  return (frame.deltaList ?? []).reduce(applyDelta, before);
}

/**
 * A full update says what is, not what has happened: what changed in chats that are closed by now comes by the history, from the
 * revision that is kept here.
 */
export function applyFullUpdate(before: Conversation, full: FullUpdate): Conversation {
  return {
    ...before,
    chat: full.chat === null ? closedMeanwhile(before.chat) : withoutMessages(full.chat),
    messages: merge(before.history === 'not-loaded' ? [] : before.messages, full.chat?.messages ?? []),
    announcedRevision: full.historyRevision,
    fields: (full.visitorFull ?? full.visitor).fields,
    onlineStatus: full.onlineStatus,
    departments: full.departments,
    queue: full.queue,
    survey: full.survey,
    greeting: full.showHelloMessage ? full.helloMessageDescr : '',
  };
}

/** The newest messages, or what has changed since; deleted ones go. */
export function applyHistory(before: Conversation, page: HistoryPage): Conversation {
  const deleted = new Set(page.messages.filter(message => message.deleted).map(({ id }) => id));
  const found = page.messages.filter(
    message => !message.deleted && (before.history === 'not-loaded' || !isOlderThanLoaded(before, message)),
  );
  return {
    ...before,
    messages: merge(
      before.messages.filter(({ id }) => !deleted.has(id)),
      found,
    ),
    historyRevision: Number(page.revision ?? before.historyRevision),
    history: before.history === 'not-loaded' ? (page.hasMore ? 'has-more' : 'complete') : before.history,
  };
}

export function applyOlderMessages(before: Conversation, page: HistoryPage): Conversation {
  return { ...before, messages: merge(before.messages, page.messages), history: page.hasMore ? 'has-more' : 'complete' };
}

/** Something has changed while the widget was away: ask the history for it. */
export function isBehind({ history, historyRevision, announcedRevision }: Conversation): boolean {
  return history !== 'not-loaded' && historyRevision < announcedRevision;
}

/** A survey goes on from question to question by itself; the server tells of its end. */
export function nextQuestion(survey: Survey): Survey['current_question'] | undefined {
  const { form_id, question_id } = survey.current_question;
  const { forms } = survey.config.descriptor;
  const places = forms.flatMap(form => form.questions.map((_, index) => ({ form_id: form.id, question_id: index })));
  return places[places.findIndex(place => place.form_id === form_id && place.question_id === question_id) + 1];
}

/** Sorted by time; of two with one id the later one told counts, but nobody can take back that he has read it. */
export function merge(known: readonly Message[], told: readonly Message[]): readonly Message[] {
  if (told.length === 0) return known;
  const byId = new Map(known.map(message => [message.id, message]));
  for (const message of told) byId.set(message.id, { ...message, read: message.read || byId.get(message.id)?.read === true });
  return [...byId.values()].sort((a, b) => a.ts_m - b.ts_m);
}

function applyDelta(before: Conversation, { objectType, event, id, data }: Delta): Conversation {
  const inChat = (change: Partial<Chat>): Conversation =>
    before.chat === null ? before : { ...before, chat: { ...before.chat, ...change } };
  switch (objectType) {
    case 'CHAT': {
      const chat = data as WireChat | null;
      if (chat === null) return { ...before, chat: null, queue: null };
      return { ...before, chat: withoutMessages(chat), messages: merge(before.messages, chat.messages) };
    }
    case 'CHAT_MESSAGE':
      if (event === 'del') return { ...before, messages: before.messages.filter(message => message.id !== id) };
      if (event === 'upd' && isOlderThanLoaded(before, data as Message)) return before;
      return { ...before, messages: merge(before.messages, [data as Message]) };
    case 'CHAT_STATE': {
      const state = data as ChatState;
      return {
        ...inChat({ state, ...(state.startsWith('closed') ? { operatorTyping: false } : {}) }),
        ...(state === 'queue' ? {} : { queue: null }),
      };
    }
    case 'CHAT_OPERATOR':
      return inChat({ operator: data as Operator | null, operatorTyping: false });
    case 'CHAT_OPERATOR_TYPING':
      return inChat({ operatorTyping: data as boolean });
    case 'UNREAD_BY_VISITOR':
      return inChat({ unreadByVisitorMsgCnt: (data as { readonly msgCnt: number }).msgCnt });
    case 'OPERATOR_RATE': {
      const rating = data as Rating;
      return inChat({ operatorIdToRate: { ...before.chat?.operatorIdToRate, [rating.operatorId]: rating } });
    }
    case 'MESSAGE_READ':
      return { ...before, messages: before.messages.map(message => (message.id === id ? { ...message, read: data as boolean } : message)) };
    case 'HISTORY_REVISION': {
      const announcedRevision = Number((data as { readonly revision: string | number }).revision);
      // Who had everything has this too: it was told in the same frame.
      return { ...before, announcedRevision, historyRevision: isBehind(before) ? before.historyRevision : announcedRevision };
    }
    case 'QUEUE':
      return { ...before, queue: data as QueuePlace | null };
    case 'SURVEY':
      return { ...before, survey: data as Survey | null };
    case 'DEPARTMENT_LIST':
      return { ...before, departments: data as readonly Department[] };
    case 'ONLINE_STATUS':
      return { ...before, onlineStatus: data as OnlineStatus };
    case 'VISITOR_FULL':
      return { ...before, fields: (data as Visitor).fields };
    default:
      return before;
  }
}

/** Between it and what is there messages are missing; it comes with its own page. */
function isOlderThanLoaded({ messages: [oldest], history }: Conversation, { ts_m }: Message): boolean {
  return history !== 'complete' && oldest !== undefined && ts_m < oldest.ts_m;
}

/** How it ended nobody has told; its operator can still be rated. */
function closedMeanwhile(chat: Chat | null): Chat | null {
  return chat === null || chat.state.startsWith('closed')
    ? chat
    : { ...chat, state: 'closed', operatorTyping: false, unreadByVisitorMsgCnt: 0 };
}

function withoutMessages({ messages: _, ...chat }: WireChat): Chat {
  return chat;
}
