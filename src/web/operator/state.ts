/**
 * What the desk knows, and how each frame of the server changes it: pure functions, no clock of their own. Chats come and
 * go with what the operator may see; texts are kept only for chats of his own and those he has opened.
 */
import type {
  Chat,
  Delta,
  Department,
  Frame,
  FullUpdate,
  LastMessage,
  Limits,
  Message,
  Operator,
  QueuePage,
  Status,
  Subject,
  Visitor,
} from './wire.ts';

export interface ChatLog {
  /** Oldest first, each once. */
  readonly messages: readonly Message[];
  /** Are there older ones on the server? */
  readonly hasOlder: boolean;
  /** Was the newest part of it told, by the full update or by the history? */
  readonly isLoaded: boolean;
}

export interface VisitorTyping {
  readonly draft: string | null;
  /** By the page's clock, as `nowMs` of the frame. */
  readonly atMs: number;
}

export interface DeskState {
  /** Where the client stands: the `since` of its next connection. '' before the first full update. */
  readonly revision: string;
  readonly myId: number;
  readonly operators: ReadonlyMap<number, Operator>;
  readonly departments: ReadonlyMap<string, Department>;
  /** Open ones that he sees, without their messages. */
  readonly chats: ReadonlyMap<number, Chat>;
  /** Behind it are open chats that are not among `chats` yet; null: there are none. */
  readonly queueCursor: string | null;
  /** Chats that were opened and are not among `chats` (any more): to be read only. */
  readonly past: ReadonlyMap<number, Chat>;
  readonly logs: ReadonlyMap<number, ChatLog>;
  readonly typing: ReadonlyMap<number, VisitorTyping>;
  /** Colleagues who type, by chat. */
  readonly colleagueTyping: ReadonlyMap<number, number>;
  readonly statuses: readonly Status[];
  readonly subjects: readonly Subject[];
  readonly limits: Limits;
  /** The server's clock less the page's. */
  readonly clockAheadSeconds: number;
}

/** Closed chats that stay readable; the oldest go first. */
const MAX_PAST = 20;
/** Of `messages` of a chat in a full update: as many mean that there may be older ones. */
const TOLD_MESSAGES = 50;

export const EMPTY_DESK: DeskState = {
  revision: '',
  myId: 0,
  operators: new Map(),
  departments: new Map(),
  chats: new Map(),
  queueCursor: null,
  past: new Map(),
  logs: new Map(),
  typing: new Map(),
  colleagueTyping: new Map(),
  statuses: [],
  subjects: [],
  limits: { maxMessageLength: 10_000, maxFileSize: 10_000_000, maxChats: 0 },
  clockAheadSeconds: 0,
};

export function applyFrame(state: DeskState, frame: Frame, nowMs: number): DeskState {
  return applyFrames(state, [frame], nowMs);
}

/** All in order, with one copy of what they touch. */
export function applyFrames(state: DeskState, frames: readonly Frame[], nowMs: number): DeskState {
  let draft = new Draft(state);
  for (const { revision, fullUpdate, deltaList = [] } of frames) {
    if (fullUpdate !== undefined) draft = new Draft(fromFullUpdate(draft.done(), fullUpdate, nowMs));
    for (const { objectType, event, id, data } of deltaList) applyDelta(draft, objectType, event, id, data, nowMs);
    if (revision !== undefined) draft.revision = revision;
  }
  return draft.done();
}

/** A chat is looked at: its texts are collected from now on. `chat` if it is none of the open ones. */
export function openLog(state: DeskState, chatId: number, chat?: Chat): DeskState {
  const draft = new Draft(state);
  if (!draft.chats.has(chatId) && chat !== undefined) keepPast(draft, chat);
  if (!draft.logs.has(chatId)) draft.change('logs').set(chatId, { messages: [], hasOlder: true, isLoaded: false });
  return draft.done();
}

/** A page of the history has come. What was told by deltas meanwhile is as new or newer. */
export function applyHistory(
  state: DeskState,
  chatId: number,
  { messages, hasMore }: { readonly messages: readonly Message[]; readonly hasMore: boolean },
): DeskState {
  const draft = new Draft(state);
  const log = draft.logs.get(chatId);
  draft.change('logs').set(chatId, { messages: mergeMessages(messages, log?.messages ?? []), hasOlder: hasMore, isLoaded: true });
  return draft.done();
}

/**
 * A page of chats that the full update had no room for. `since`: all frames that were heard since it was asked for: what they say of its
 * chats was passed over then, because these were not known, and is made up for now. A chat that has gone meanwhile does not come back.
 */
export function applyQueue(state: DeskState, { chats, cursor }: QueuePage, since: readonly Frame[], nowMs: number): DeskState {
  const draft = new Draft(state);
  const added = new Set<number>();
  for (const chat of chats) {
    if (draft.chats.has(chat.id)) continue; // and kept up to date
    putChat(draft, chat);
    added.add(chat.id);
  }
  for (const { deltaList = [] } of since)
    for (const delta of deltaList)
      if (added.has(chatOf(delta))) applyDelta(draft, delta.objectType, delta.event, delta.id, delta.data, nowMs);
  return { ...draft.done(), queueCursor: cursor };
}

/** Which chat a delta is about; NaN: none, or it is of no use later. */
function chatOf({ objectType, id, data }: Delta): number {
  switch (objectType) {
    case 'CHAT':
    case 'CHAT_STATE':
    case 'CHAT_READ':
      return Number(id);
    case 'CHAT_MESSAGE':
    case 'VISITOR':
      return (data as { readonly chatId: number }).chatId;
    default:
      return Number.NaN;
  }
}

/** `newer` wins where both have a message; deleted ones of it stay deleted. */
export function mergeMessages(older: readonly Message[], newer: readonly Message[]): Message[] {
  const byId = new Map(older.map(message => [message.id, message]));
  for (const message of newer) byId.set(message.id, message);
  return [...byId.values()].sort((a, b) => a.ts_m - b.ts_m);
}

function fromFullUpdate(state: DeskState, update: FullUpdate, nowMs: number): DeskState {
  const logs = new Map<number, ChatLog>();
  const chats = new Map<number, Chat>();
  for (const { messages, ...chat } of update.chats) {
    chats.set(chat.id, chat);
    if (messages !== undefined) logs.set(chat.id, { messages, hasOlder: isPartOf(chat, messages), isLoaded: true });
  }
  // What was open and is gone now stays readable; what was loaded of the others may have a hole and is asked for again.
  const draft = new Draft({ ...state, chats, logs, typing: new Map(), colleagueTyping: new Map() });
  for (const [chatId, log] of state.logs) {
    const gone = state.past.get(chatId) ?? (chats.has(chatId) ? undefined : state.chats.get(chatId));
    if (gone === undefined || chats.has(chatId)) continue;
    keepPast(draft, gone);
    draft.change('logs').set(chatId, log);
  }
  return {
    ...draft.done(),
    myId: update.operator.id,
    queueCursor: update.chatsCursor ?? null,
    operators: new Map(update.operators.map(operator => [operator.id, operator])),
    departments: new Map(update.departments.map(department => [department.key, department])),
    statuses: update.statuses,
    subjects: update.subjects,
    limits: update.limits,
    clockAheadSeconds: update.serverTs - nowMs / 1_000,
  };
}

function applyDelta(draft: Draft, objectType: string, event: string, id: string | number, data: unknown, nowMs: number): void {
  const chatId = Number(id);
  switch (objectType) {
    case 'CHAT':
      if (event === 'del') removeChat(draft, chatId);
      else putChat(draft, data as Chat);
      return;
    case 'CHAT_STATE':
    case 'CHAT_READ':
      changeChat(draft, chatId, data as Partial<Chat>);
      return;
    case 'CHAT_MESSAGE': {
      const { chatId: of, message } = data as { readonly chatId: number; readonly message: Message };
      putMessage(draft, of, message, event);
      return;
    }
    case 'VISITOR': {
      const { chatId: of, visitor } = data as { readonly chatId: number; readonly visitor: Visitor };
      changeChat(draft, of, { visitor });
      return;
    }
    case 'CHAT_VISITOR_TYPING': {
      const { typing, draft: words } = data as { readonly typing: boolean; readonly draft?: string };
      if (typing) draft.change('typing').set(chatId, { draft: words ?? null, atMs: nowMs });
      else if (draft.typing.has(chatId)) draft.change('typing').delete(chatId);
      return;
    }
    case 'CHAT_OPERATOR_TYPING': {
      const { operatorId, typing } = data as { readonly operatorId: number; readonly typing: boolean };
      if (operatorId === draft.myId) return;
      if (typing) draft.change('colleagueTyping').set(chatId, operatorId);
      else if (draft.colleagueTyping.get(chatId) === operatorId) draft.change('colleagueTyping').delete(chatId);
      return;
    }
    case 'OPERATOR':
      draft.change('operators').set(chatId, data as Operator);
      return;
    case 'OPERATOR_STATUS': {
      const operator = draft.operators.get(chatId);
      if (operator !== undefined) draft.change('operators').set(chatId, { ...operator, ...(data as Partial<Operator>) });
      return;
    }
    case 'DEPARTMENT':
      draft.change('departments').set(String(id), data as Department);
      return;
    default: // of a newer server
  }
}

function putChat(draft: Draft, { messages, ...chat }: Chat): void {
  draft.change('chats').set(chat.id, chat);
  if (draft.past.has(chat.id)) {
    draft.change('past').delete(chat.id);
    draft.change('logs').delete(chat.id); // what was said meanwhile is not in it
  }
  const log = draft.logs.get(chat.id);
  if (messages === undefined) return;
  const isWhole = log?.isLoaded === true && log.messages.some(({ id }) => id === messages[0]?.id);
  draft.change('logs').set(
    chat.id,
    isWhole // else there may be a hole between what was loaded and what is told
      ? { ...log, messages: mergeMessages(log.messages, messages) }
      : { messages, hasOlder: isPartOf(chat, messages), isLoaded: true },
  );
}

/** A chat is told with its last messages only: at most 50, fewer of large ones. */
function isPartOf({ messageCount }: Pick<Chat, 'messageCount'>, messages: readonly Message[]): boolean {
  return messages.length >= TOLD_MESSAGES || messages.length < messageCount;
}

function changeChat(draft: Draft, chatId: number, changes: Partial<Chat>): void {
  const chat = draft.chats.get(chatId);
  if (chat !== undefined) draft.change('chats').set(chatId, { ...chat, ...changes });
}

function removeChat(draft: Draft, chatId: number): void {
  const chat = draft.chats.get(chatId);
  if (chat === undefined) return;
  draft.change('chats').delete(chatId);
  if (draft.typing.has(chatId)) draft.change('typing').delete(chatId);
  if (draft.colleagueTyping.has(chatId)) draft.change('colleagueTyping').delete(chatId);
  if (draft.logs.has(chatId)) keepPast(draft, chat);
}

function keepPast(draft: Draft, chat: Chat): void {
  const past = draft.change('past');
  past.delete(chat.id);
  past.set(chat.id, chat);
  for (const id of past.keys()) {
    if (past.size <= MAX_PAST) return;
    past.delete(id);
    draft.change('logs').delete(id);
  }
}

function putMessage(draft: Draft, chatId: number, message: Message, event: string): void {
  const chat = draft.chats.get(chatId);
  if (chat !== undefined) {
    // A page of the queue may have counted it already.
    const isNew = event === 'add' && (chat.lastMessage === null || message.ts_m > chat.lastMessage.ts_m);
    const isLast = chat.lastMessage === null || message.ts_m >= chat.lastMessage.ts_m;
    draft.change('chats').set(chatId, {
      ...chat,
      ...(isNew ? { messageCount: chat.messageCount + 1, modificationTs: Math.max(chat.modificationTs, message.ts) } : {}),
      ...(isLast ? { lastMessage: lastMessageOf(message) } : {}),
    });
  }
  if (draft.typing.has(chatId) && event === 'add' && message.kind === 'visitor') draft.change('typing').delete(chatId);
  if (message.authorId !== null && draft.colleagueTyping.get(chatId) === message.authorId) draft.change('colleagueTyping').delete(chatId);
  const log = draft.logs.get(chatId);
  if (log === undefined) return;
  const last = log.messages.at(-1);
  const messages = last === undefined || message.ts_m > last.ts_m ? [...log.messages, message] : replaceOrInsert(log, message);
  draft.change('logs').set(chatId, { ...log, messages });
}

/** An edited message that is older than what was loaded comes with the history. */
function replaceOrInsert(log: ChatLog, message: Message): readonly Message[] {
  if (log.messages.some(({ id }) => id === message.id)) return log.messages.map(known => (known.id === message.id ? message : known));
  const [first] = log.messages;
  if (log.hasOlder && first !== undefined && message.ts_m < first.ts_m) return log.messages;
  return mergeMessages(log.messages, [message]);
}

function lastMessageOf({ id, kind, name, text, ts, ts_m }: Message): LastMessage {
  return { id, kind, name, text: text.slice(0, 200), ts, ts_m };
}

type Maps = Pick<DeskState, 'operators' | 'departments' | 'chats' | 'past' | 'logs' | 'typing' | 'colleagueTyping'>;
type Writable<T> = T extends ReadonlyMap<infer K, infer V> ? Map<K, V> : never;

/** A state to be changed: each map is copied when it is first written. */
class Draft implements Maps {
  readonly #before: DeskState;
  readonly #changed = new Set<keyof Maps>();
  operators;
  departments;
  chats;
  past;
  logs;
  typing;
  colleagueTyping;
  readonly myId: number;
  revision: string;

  constructor(state: DeskState) {
    this.#before = state;
    ({
      operators: this.operators,
      departments: this.departments,
      chats: this.chats,
      past: this.past,
      logs: this.logs,
      typing: this.typing,
      colleagueTyping: this.colleagueTyping,
      myId: this.myId,
      revision: this.revision,
    } = state);
  }

  change<Name extends keyof Maps>(name: Name): Writable<Maps[Name]> {
    if (!this.#changed.has(name)) {
      this.#changed.add(name);
      (this as { -readonly [N in keyof Maps]: Maps[N] })[name] = new Map(this[name] as ReadonlyMap<unknown, unknown>) as never;
    }
    return this[name] as never;
  }

  done(): DeskState {
    if (this.#changed.size === 0 && this.revision === this.#before.revision) return this.#before;
    const { operators, departments, chats, past, logs, typing, colleagueTyping, revision } = this;
    return { ...this.#before, operators, departments, chats, past, logs, typing, colleagueTyping, revision };
  }
}
