/**
 * The hot state of a node: headers of open chats, operators, departments, as of one revision. Loaded by a snapshot,
 * then fed with commits in revision order by the feed; thrown away and loaded again whenever that is simpler.
 *
 * Closed chats leave it. Every change is announced with the rows before and after it, from which the hub computes who
 * must hear.
 */
import { type Change, epochOf, isKnownChange, type Revision } from '../domain/change.ts';
import { type Chat, isOpen } from '../domain/chat.ts';
import type { Department } from '../domain/department.ts';
import type { Operator } from '../domain/operator.ts';
import { apply, type HotState, type Rows, type State } from '../domain/state.ts';
import type { LoggedCommit, Snapshot } from '../ports/index.ts';

/** One applied change with the chat (or operator) as it was before and is after it. */
export interface AppliedChange {
  readonly revision: Revision;
  readonly change: Change;
  readonly chatBefore: Chat | undefined;
  readonly chatAfter: Chat | undefined;
  readonly operatorBefore: Operator | undefined;
  /** Its share of the commit's size, for what accounts for memory. */
  readonly bytes: number;
}

/** Those who listen are told one after the other, in the order in which they began to. */
export interface ReplicaListener {
  applied?(change: AppliedChange): void;
  /** After all changes of a commit. */
  committed?(revision: Revision): void;
  /** Everything was loaded anew: nothing before this revision can be told from memory. */
  reloaded?(revision: Revision): void;
}

/** The commit holds a kind of change that only a newer binary knows: load the replica again. */
export class UnknownChange extends Error {
  override readonly name = 'UnknownChange';
}

export class Replica implements HotState {
  readonly chats = new Map<number, Chat>();
  readonly operators = new Map<number, Operator>();
  readonly departments = new Map<string, Department>();
  readonly #openChatOf = new Map<string, number>();
  readonly #listeners: ReplicaListener[] = [];
  readonly #state: State = {
    chats: { get: id => this.chats.get(id), set: (id, chat) => this.#setChat(id, chat) },
    operators: this.operators,
    departments: this.departments,
    visitors: notKept,
    messages: notKept,
    history: notAdded,
    statusTimes: notAdded,
  };
  revision: Revision = 0;

  get epoch(): number {
    return epochOf(this.revision);
  }

  openChatOf(visitorId: string): Chat | undefined {
    const id = this.#openChatOf.get(visitorId);
    return id === undefined ? undefined : this.chats.get(id);
  }

  listen(listener: ReplicaListener): void {
    this.#listeners.push(listener);
  }

  load(snapshot: Snapshot): void {
    for (const map of [this.chats, this.operators, this.departments, this.#openChatOf]) map.clear();
    for (const chat of snapshot.chats) this.#setChat(chat.id, chat);
    for (const operator of snapshot.operators) this.operators.set(operator.id, operator);
    for (const department of snapshot.departments) this.departments.set(department.key, department);
    this.revision = snapshot.revision;
    for (const listener of this.#listeners) listener.reloaded?.(this.revision);
  }

  /** The caller (the feed) guarantees that the commit follows `revision` directly. Throws UnknownChange before applying any of it. */
  apply(commit: LoggedCommit): void {
    const kinds: readonly { readonly type: string }[] = commit.changes;
    const unknown = kinds.find(change => !isKnownChange(change));
    if (unknown !== undefined) throw new UnknownChange(`a change of kind '${unknown.type}' is not known to this version`);
    const bytes = commit.bytes / commit.changes.length;
    let revision = commit.first;
    for (const change of commit.changes) {
      const chatId = chatIdOf(change);
      const operatorId = change.type === 'operator-saved' ? change.operator.id : undefined;
      const chatBefore = chatId === undefined ? undefined : this.chats.get(chatId);
      const operatorBefore = operatorId === undefined ? undefined : this.operators.get(operatorId);
      let chatAfter: Chat | undefined;
      if (chatId !== undefined && (chatBefore !== undefined || change.type === 'chat-opened')) {
        apply(this.#state, change);
        chatAfter = this.#takeJustSet() ?? chatBefore;
      } else if (chatId === undefined) {
        apply(this.#state, change);
      }
      this.revision = revision;
      const applied = { revision, change, chatBefore, chatAfter, operatorBefore, bytes };
      for (const listener of this.#listeners) listener.applied?.(applied);
      revision += 1;
    }
    for (const listener of this.#listeners) listener.committed?.(this.revision);
  }

  /** The chat that the change being applied has set; a closed one is nowhere else. */
  #justSet: Chat | undefined;

  #takeJustSet(): Chat | undefined {
    const chat = this.#justSet;
    this.#justSet = undefined;
    return chat;
  }

  #setChat(id: number, chat: Chat): void {
    this.#justSet = chat;
    if (isOpen(chat)) {
      this.chats.set(id, chat);
      this.#openChatOf.set(chat.visitorId, id);
    } else {
      this.chats.delete(id);
      if (this.#openChatOf.get(chat.visitorId) === id) this.#openChatOf.delete(chat.visitorId);
    }
  }
}

/** Tables whose rows go by: replicas hold no visitors and no messages. */
const notKept: Rows<string, never> = { get: () => undefined, set: () => undefined };

const notAdded = { add: () => undefined };

function chatIdOf(change: Change): number | undefined {
  switch (change.type) {
    case 'chat-opened':
      return change.chat.id;
    case 'message-added':
    case 'message-edited':
      return change.message.chatId;
    default:
      return 'chatId' in change ? (change.chatId ?? undefined) : undefined;
  }
}
