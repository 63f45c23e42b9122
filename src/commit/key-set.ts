/** The rows that a batch locks: the union of what its commands ask for. */
import { bearerOf } from '../domain/chat.ts';
import { type Sender, sentKey } from '../domain/message.ts';
import type { HotState } from '../domain/state.ts';
import type { Keys, MessageKey } from '../ports/index.ts';

export class KeySet implements Keys {
  readonly visitors = new Set<string>();
  readonly chats = new Set<number>();
  readonly openChatsOf = new Set<string>();
  readonly operators = new Set<number>();
  readonly departments = new Set<string>();
  readonly sentMessages = new Map<string, MessageKey>();
  readonly messages = new Map<string, { readonly visitorId: string }>();
  readonly unreadOf = new Set<number>();
  readonly presenceOf = new Set<number>();
  newChats = 0;
  newOperators = 0;

  /** A visitor together with his open chat, if he has one. */
  addVisitorWithChat(visitorId: string): void {
    this.visitors.add(visitorId);
    this.openChatsOf.add(visitorId);
  }

  /** A chat and who bears it, as far as the replica knows: for commands that take the chat from him. */
  addChatWithBearer(chatId: number, hot: HotState): void {
    this.chats.add(chatId);
    this.addOperator(bearerOf(hot.chats.get(chatId)));
  }

  /** The visitor of a chat, as far as the replica knows: for commands that end it. */
  addVisitorOf(chatId: number, hot: HotState): void {
    const visitorId = hot.chats.get(chatId)?.visitorId;
    if (visitorId !== undefined) this.visitors.add(visitorId);
  }

  addOperator(operatorId: number | null | undefined): void {
    if (operatorId !== null && operatorId !== undefined) this.operators.add(operatorId);
  }

  /** Do commands with these keys have to keep the order in which they came? */
  meets(other: KeySet): boolean {
    const common = (a: ReadonlySet<unknown>, b: ReadonlySet<unknown>): boolean => [...a].some(key => b.has(key));
    return (
      common(this.chats, other.chats) ||
      common(this.operators, other.operators) ||
      common(this.openChatsOf, other.openChatsOf) ||
      common(this.visitors, other.visitors)
    );
  }

  addSent(sender: Sender, clientSideId: string): void {
    this.sentMessages.set(sentKey(sender, clientSideId), { sender, clientSideId });
  }

  addMessage(visitorId: string, messageId: string): void {
    this.messages.set(messageId, { visitorId });
  }
}

/** A command met a row that its guess did not lock: it goes to the next batch, which locks this row too. */
export class RowNotLocked extends Error {
  override readonly name = 'RowNotLocked';
  readonly table:
    | 'visitors'
    | 'chats'
    | 'operators'
    | 'departments'
    | 'openChatsOf'
    | 'messages'
    | 'unreadOf'
    | 'presenceOf'
    | 'newChats'
    | 'newOperators';
  readonly key: string | number;

  constructor(table: RowNotLocked['table'], key: string | number) {
    super(`${table} ${key} is not locked`);
    this.table = table;
    this.key = key;
  }

  addTo(keys: KeySet): void {
    if (this.table === 'newChats' || this.table === 'newOperators') keys[this.table] += 1;
    else if (this.table === 'messages')
      return; // its command names it each time; only a guess does without
    else (keys[this.table] as Set<string | number>).add(this.key);
  }
}
