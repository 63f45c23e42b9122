/**
 * The only reducer. `apply` folds one change into a state; the commit loop folds into the rows it has locked, the
 * replica into the hot state that every node keeps. Both must end where a fresh snapshot would (the golden property).
 *
 * Rows are replaced, never mutated: whoever kept a row keeps what was true then.
 */
import { bearerOf, type Chat, LAST_MESSAGE_LENGTH } from './chat.ts';
import type { Change } from './change.ts';
import type { Department } from './department.ts';
import { isFromVisitor, isHiddenFromVisitor, type Message } from './message.ts';
import type { Operator } from './operator.ts';
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
}

/** What a node knows without asking the database: possibly a moment old, so commands only guess their locks from it. */
export interface HotState {
  readonly chats: ReadonlyMap<number, Chat>;
  readonly operators: ReadonlyMap<number, Operator>;
  readonly departments: ReadonlyMap<string, Department>;
  openChatOf(visitorId: string): Chat | undefined;
}

/** Folds `change` into `state`. A chat the state does not hold is passed over: replicas hold open chats only. */
export function apply(state: State, change: Change): void {
  switch (change.type) {
    case 'chat-opened':
      setChat(state, undefined, change.chat);
      return;
    case 'message-added':
      addMessage(state, change.message);
      return;
    case 'message-edited':
      editMessage(state, change.message);
      return;
    case 'chat-assigned':
      updateChat(state, change.chatId, () => ({ assignedOperatorId: change.operatorId, assignedUs: change.atUs, modifiedUs: change.atUs }));
      return;
    case 'chat-taken':
      updateChat(state, change.chatId, () => ({
        state: 'chatting',
        operatorId: change.operatorId,
        assignedOperatorId: null,
        assignedUs: null,
        modifiedUs: change.atUs,
      }));
      return;
    case 'chat-released':
      updateChat(state, change.chatId, () => ({
        state: 'queue',
        operatorId: null,
        assignedOperatorId: null,
        assignedUs: null,
        modifiedUs: change.atUs,
      }));
      return;
    case 'chat-closed':
      updateChat(state, change.chatId, () => ({ state: change.state, modifiedUs: change.atUs }));
      return;
    case 'chat-read-by-operator':
      updateChat(state, change.chatId, () => ({ unreadByOperatorSinceUs: null, readByOperatorUs: change.upToUs }));
      return;
    case 'chat-read-by-visitor':
      updateChat(state, change.chatId, () => ({ unreadByVisitorSinceUs: null, unreadByVisitorMsgCnt: 0, readByVisitor: true }));
      return;
    case 'operator-status-set': {
      const operator = state.operators.get(change.operatorId);
      if (operator === undefined) return;
      state.operators.set(operator.id, {
        ...operator,
        status: change.status,
        statusSort: change.sort,
        statusReason: change.reason,
        statusUs: change.atUs,
      });
      return;
    }
    case 'operator-saved':
      state.operators.set(change.operator.id, change.operator);
      return;
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

function updateChat(state: State, chatId: number, patch: (chat: Chat) => Partial<Chat>): void {
  const chat = state.chats.get(chatId);
  if (chat !== undefined) setChat(state, chat, { ...chat, ...patch(chat) });
}

/** Sets a chat and keeps its bearers' load true, whatever the kind of change was. */
function setChat(state: State, before: Chat | undefined, after: Chat): void {
  state.chats.set(after.id, after);
  const from = bearerOf(before);
  const to = bearerOf(after);
  if (from === to) return;
  if (from !== null) addLoad(state, from, -1);
  if (to !== null) addLoad(state, to, 1);
}

function addLoad(state: State, operatorId: number, by: 1 | -1): void {
  const operator = state.operators.get(operatorId);
  if (operator === undefined) throw new Error(`operator ${operatorId} bears a chat but is not in the state`);
  state.operators.set(operatorId, { ...operator, load: operator.load + by });
}

function addMessage(state: State, message: Message): void {
  state.messages.set(message.id, message);
  advanceClock(state, message);
  updateChat(state, message.chatId, chat => ({
    modifiedUs: message.tsUs,
    messageCount: chat.messageCount + 1,
    lastMessage: lastMessageOf(message),
    ...(isFromVisitor(message)
      ? { unreadByOperatorSinceUs: chat.unreadByOperatorSinceUs ?? message.tsUs }
      : isHiddenFromVisitor(message)
        ? {}
        : {
            unreadByVisitorSinceUs: chat.unreadByVisitorSinceUs ?? message.tsUs,
            unreadByVisitorMsgCnt: chat.unreadByVisitorMsgCnt + 1,
            readByVisitor: false,
          }),
  }));
}

function editMessage(state: State, message: Message): void {
  state.messages.set(message.id, message);
  advanceClock(state, message);
  updateChat(state, message.chatId, chat => (chat.lastMessage?.id === message.id ? { lastMessage: lastMessageOf(message) } : {}));
}

function advanceClock(state: State, message: Message): void {
  const visitor = state.visitors.get(message.visitorId);
  if (visitor !== undefined) state.visitors.set(visitor.id, { ...visitor, lastTsUs: message.changedUs });
}

function lastMessageOf(message: Message): Chat['lastMessage'] {
  const { id, kind, name, text, tsUs } = message;
  return { id, kind, name, text: cut(text), tsUs };
}

/** Cuts by UTF-16 units but never inside a surrogate pair: PostgreSQL refuses half a character. */
function cut(text: string): string {
  if (text.length <= LAST_MESSAGE_LENGTH) return text;
  const end = /[\uD800-\uDBFF]/.test(text.charAt(LAST_MESSAGE_LENGTH - 1)) ? LAST_MESSAGE_LENGTH - 1 : LAST_MESSAGE_LENGTH;
  return text.slice(0, end);
}
