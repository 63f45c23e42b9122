/**
 * The only reducer. `apply` folds one change into a state; the commit loop folds into the rows it has locked, the
 * replica into the hot state that every node keeps. Both must end where a fresh snapshot would (the golden property).
 *
 * Rows are replaced, never mutated: whoever kept a row keeps what was true then.
 */
import { cutText } from './text.ts';
import { bearerOf, type Chat, isOpenState, LAST_MESSAGE_LENGTH, type LastMessage, nextVersion, withDeclined } from './chat.ts';
import type { Change, ChatMoved } from './change.ts';
import { beginningOf, type HistoryRow, stepOf } from './chat-history.ts';
import type { Department } from './department.ts';
import { isFromVisitor, isShownToVisitors, type Message } from './message.ts';
import { type Operator, type StatusTime, withLoad } from './operator.ts';
import type { Microseconds } from './time.ts';
import type { Visitor } from './visitor.ts';

/** The part of Map that `apply` needs: a state may keep a table, or let its rows go by. */
export interface Rows<K, R> {
  get(key: K): R | undefined;
  set(key: K, row: R): unknown;
}

export interface State {
  readonly chats: Rows<number, Chat>;
  readonly operators: Rows<number, Operator>;
  readonly departments: Rows<string, Department>;
  readonly visitors: Rows<string, Visitor>;
  readonly messages: Rows<string, Message>;
  readonly history: Appended<HistoryRow>;
  readonly statusTimes: Appended<StatusTime>;
}

/** A table that is only added to. */
export interface Appended<R> {
  add(row: R): void;
}

const NOBODY: Chat['declined'] = [];

/** What a node knows without asking the database: possibly a moment old, so commands only guess their locks from it. */
export interface HotState {
  /** As of which all of it is. */
  readonly revision: number;
  readonly chats: ReadonlyMap<number, Chat>;
  readonly operators: ReadonlyMap<number, Operator>;
  readonly departments: ReadonlyMap<string, Department>;
  openChatOf(visitorId: string): Chat | undefined;
}

/** Folds `change` into `state`. A chat the state does not hold is passed over: replicas hold open chats only. */
export function apply(state: State, change: Change): void {
  switch (change.type) {
    case 'chat-opened':
      setChat(state, undefined, withVerified(change.chat));
      state.history.add(beginningOf(change.chat, change.as));
      return;
    case 'message-added':
      addMessage(state, change.message);
      return;
    case 'message-edited':
      editMessage(state, change.message);
      return;
    case 'chat-moved':
      moveChat(state, change);
      return;
    case 'chat-described':
      updateChat(state, change.chatId, chat => {
        chat.category = change.category;
        chat.subject = change.subject;
        chat.offline = change.offline;
        if (change.page !== undefined) [chat.pageUrl, chat.pageTitle] = [change.page.url, change.page.title];
      });
      return;
    case 'chat-read-by-operator':
      updateChat(state, change.chatId, chat => {
        chat.unreadByOperatorSinceUs = null;
        chat.readByOperatorUs = change.upToUs;
      });
      return;
    case 'chat-read-by-visitor':
      updateChat(state, change.chatId, chat => {
        chat.unreadByVisitorSinceUs = null;
        chat.unreadByVisitorMsgCnt = 0;
        chat.readByVisitor = true;
      });
      return;
    case 'chat-rated':
      updateChat(state, change.chatId, chat => {
        chat.ratings = { ...chat.ratings, [change.operatorId]: change.rating };
      });
      return;
    case 'survey-changed':
      updateChat(state, change.chatId, chat => {
        chat.survey = change.survey;
      });
      return;
    case 'visitor-changed': {
      const visitor = state.visitors.get(change.visitorId);
      const { fields, verified, clearedUs } = change;
      if (visitor !== undefined) state.visitors.set(visitor.id, { ...visitor, fields, verified: verified ?? visitor.verified, clearedUs });
      if (change.chatId === null) return;
      updateChat(state, change.chatId, chat => {
        chat.visitorFields = fields;
        chat.visitorVerified = verified ?? chat.visitorVerified;
      });
      return;
    }
    case 'visitor-banned': {
      const visitor = state.visitors.get(change.visitorId);
      if (visitor !== undefined) state.visitors.set(visitor.id, { ...visitor, ban: change.ban });
      return;
    }
    case 'operator-status-set': {
      const operator = state.operators.get(change.operatorId);
      if (operator === undefined) return;
      endStatus(state, operator, change.atUs);
      state.operators.set(operator.id, {
        ...operator,
        status: change.status,
        statusSort: change.sort,
        statusReason: change.reason,
        statusUs: change.atUs,
        version: operator.version + 1,
      });
      return;
    }
    case 'operator-saved': {
      const before = state.operators.get(change.operator.id);
      if (before !== undefined && before.statusUs !== change.operator.statusUs) endStatus(state, before, change.operator.statusUs);
      state.operators.set(change.operator.id, { ...change.operator, version: before === undefined ? 0 : before.version + 1 });
      return;
    }
    case 'department-saved':
      state.departments.set(change.department.key, change.department);
      return;
    case 'page-ended':
    case 'operator-sessions-ended':
      return; // these live in look-up tables, not in the state
    default:
      change satisfies never;
  }
}

/** Chats that a node of the version before has begun do not say what is signed: nothing is, as their rows say. */
function withVerified(chat: Chat): Chat {
  return (chat.visitorVerified as Chat['visitorVerified'] | undefined) === undefined ? { ...chat, visitorVerified: [] } : chat;
}

/** `change` works on a copy. A chat that the state does not hold is passed over. */
function updateChat(state: State, chatId: number, change: (copy: ReturnType<typeof nextVersion>) => void): void {
  const chat = state.chats.get(chatId);
  if (chat === undefined) return;
  const copy = nextVersion(chat);
  change(copy);
  setChat(state, chat, copy);
}

/** Sets a chat and keeps its bearers' load true, whatever the kind of change was. */
function setChat(state: State, before: Chat | undefined, after: Chat): void {
  state.chats.set(after.id, after);
  const from = bearerOf(before);
  const to = bearerOf(after);
  if (from === to) return;
  if (from !== null) addLoad(state, from, -1, after.modifiedUs);
  if (to !== null) addLoad(state, to, 1, after.modifiedUs);
}

function addLoad(state: State, operatorId: number, by: 1 | -1, atUs: Microseconds): void {
  const operator = state.operators.get(operatorId);
  if (operator === undefined) throw new Error(`operator ${operatorId} bears a chat but is not in the state`);
  state.operators.set(operatorId, withLoad(operator, operator.load + by, atUs));
}

function endStatus(state: State, { id, status, statusSort, statusUs }: Operator, toUs: Microseconds): void {
  state.statusTimes.add({ operatorId: id, status, sort: statusSort, fromUs: statusUs, toUs });
}

/** When it is closed, the visitor's clock goes back to his own row. */
function moveChat(state: State, change: ChatMoved): void {
  const { chatId, operatorId, assignedOperatorId, departmentKey, declinedBy, atUs } = change;
  updateChat(state, chatId, chat => {
    chat.state = change.state;
    chat.operatorId = operatorId;
    chat.assignedOperatorId = assignedOperatorId;
    chat.assignedUs = assignedOperatorId === null ? null : atUs;
    chat.departmentKey = departmentKey;
    chat.modifiedUs = atUs;
    if (change.state !== 'queue') chat.declined = NOBODY;
    else if (declinedBy !== undefined) chat.declined = withDeclined(chat.declined, declinedBy, atUs);
    const visitor = isOpenState(change.state) ? undefined : state.visitors.get(chat.visitorId);
    if (visitor === undefined) return;
    state.visitors.set(visitor.id, { ...visitor, lastTsUs: chat.lastTsUs, lastOperatorId: operatorId ?? visitor.lastOperatorId });
  });
  state.history.add(stepOf(change, state.chats.get(chatId)?.version ?? 0));
}

function addMessage(state: State, message: Message): void {
  state.messages.set(message.id, message);
  updateChat(state, message.chatId, chat => {
    chat.modifiedUs = message.tsUs;
    chat.messageCount += 1;
    chat.lastMessage = lastMessageOf(message);
    chat.lastTsUs = message.changedUs;
    if (isFromVisitor(message)) {
      chat.unreadByOperatorSinceUs ??= message.tsUs;
    } else if (isShownToVisitors(message.kind)) {
      chat.unreadByVisitorSinceUs ??= message.tsUs;
      chat.unreadByVisitorMsgCnt += 1;
      chat.readByVisitor = false;
    }
  });
}

function editMessage(state: State, message: Message): void {
  state.messages.set(message.id, message);
  updateChat(state, message.chatId, chat => {
    chat.lastTsUs = message.changedUs;
    if (message.deleted) uncount(chat, message);
    if (chat.lastMessage?.id === message.id) chat.lastMessage = lastMessageOf(message);
  });
}

/** A message that is deleted before the visitor has read it is not unread any more. A message is deleted once. */
function uncount(chat: ReturnType<typeof nextVersion>, message: Message): void {
  if (isFromVisitor(message) || !isShownToVisitors(message.kind)) return;
  if (chat.unreadByVisitorSinceUs === null || message.tsUs < chat.unreadByVisitorSinceUs) return;
  chat.unreadByVisitorMsgCnt = Math.max(0, chat.unreadByVisitorMsgCnt - 1);
  if (chat.unreadByVisitorMsgCnt > 0) return;
  chat.unreadByVisitorSinceUs = null;
  chat.readByVisitor = true;
}

/** How a chat's header shows its newest message; not stored with it. */
export function lastMessageOf(message: LastMessage): LastMessage {
  const { id, kind, name, text, tsUs } = message;
  return { id, kind, name, text: cutText(text, LAST_MESSAGE_LENGTH), tsUs };
}
