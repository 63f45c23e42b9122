/** Who hears of an applied change, and what each kind of hearer is told, as JSON text. */
import { CHAT_BYTES } from '../domain/answer-bytes.ts';
import { ALL_OPERATORS, type Hearing, hearersOf, type Topic, visitorTopic } from '../domain/audience.ts';
import type { Change } from '../domain/change.ts';
import { type Chat, isOpen, ownerOf } from '../domain/chat.ts';
import { isShownToVisitors } from '../domain/message.ts';
import type { Operator } from '../domain/operator.ts';
import type { Messages, StoredMessage } from '../ports/index.ts';
import { type RenderedDelta, render } from '../protocol/delta.ts';
import { chatDeltas, ownChat } from '../protocol/operator-deltas.ts';
import { operatorMessage, operatorObject, operatorStatus } from '../protocol/operator-objects.ts';
import { openedDeltas, visitorDeltas } from '../protocol/visitor-deltas.ts';
import { visitorMessage } from '../protocol/visitor-objects.ts';
import type { AppliedChange, Replica } from '../sync/replica.ts';
import type { FirstMessages } from './first-messages.ts';

/** How a class of hearers sees a change. A promise when it needs what the hot state does not hold. */
export type Rendering = readonly RenderedDelta[] | Promise<readonly RenderedDelta[]>;

/** visitor: the chat's · colleagues: all operators, of one of them · the others: operators, of a chat. */
export type HearerKind = 'visitor' | 'colleagues' | Hearing;

/** In order of precedence: a session hears the first of its topics. */
export interface ToldTo {
  readonly topic: Topic;
  readonly kind: HearerKind;
}

/** Messages that an operator gets with a chat. */
const CHAT_MESSAGES = 50;
/** Messages that a visitor gets with his chat; older ones are in the history. */
const VISITOR_MESSAGES = 100;

const NOBODY: readonly ToldTo[] = [];
const COLLEAGUES: readonly ToldTo[] = [{ topic: ALL_OPERATORS, kind: 'colleagues' }];

export class Renderings {
  readonly #replica: Replica;
  readonly #messages: Messages;
  readonly #firstMessages: FirstMessages;
  readonly #defaultMaxChats: number;
  /** Of open chats only: a closed one has moved. */
  readonly #places = new Map<number, { readonly chat: Chat; readonly told: readonly ToldTo[] }>();

  constructor(options: {
    readonly replica: Replica;
    readonly messages: Messages;
    readonly firstMessages: FirstMessages;
    readonly defaultMaxChats: number;
  }) {
    this.#replica = options.replica;
    this.#messages = options.messages;
    this.#firstMessages = options.firstMessages;
    this.#defaultMaxChats = options.defaultMaxChats;
  }

  hearersOf({ change, chatBefore, chatAfter }: AppliedChange): readonly ToldTo[] {
    switch (change.type) {
      case 'operator-status-set':
      case 'operator-saved':
        return COLLEAGUES;
      case 'department-saved':
      case 'visitor-banned':
      case 'page-ended':
      case 'operator-sessions-ended':
        return NOBODY; // departments are told as derived values, the others end sessions
      default: {
        const after = chatAfter ?? chatBefore;
        if (after === undefined) return hearersWithoutChat(change);
        return chatBefore !== undefined && isInSamePlace(chatBefore, after)
          ? this.#hearersOfPlace(after)
          : this.#hearersOfMove(chatBefore, after);
      }
    }
  }

  /** Most changes leave a chat where it is: the same people hear of each message. */
  #hearersOfPlace(chat: Chat): readonly ToldTo[] {
    const known = this.#places.get(chat.id);
    if (known !== undefined && isInSamePlace(known.chat, chat)) return known.told;
    const told = this.#hearersOfMove(chat, chat);
    if (isOpen(chat)) this.#places.set(chat.id, { chat, told });
    return told;
  }

  #hearersOfMove(before: Chat | undefined, after: Chat): readonly ToldTo[] {
    this.#places.delete(after.id);
    const told: ToldTo[] = [toVisitor(after.visitorId)];
    for (const { topic, hearing } of hearersOf(before, after, this.#replica.operators)) told.push({ topic, kind: hearing });
    return told;
  }

  /** Everything was loaded anew. */
  forget(): void {
    this.#places.clear();
  }

  render({ change, chatBefore: before, chatAfter, operatorBefore }: AppliedChange, kind: HearerKind): Rendering {
    const after = chatAfter ?? before;
    if (kind === 'visitor') {
      const operator = after?.operatorId == null ? undefined : this.#replica.operators.get(after.operatorId);
      if (change.type === 'chat-opened' && change.chat.messageCount > 0) return this.#reopened(change.chat, operator);
      return visitorDeltas(change, { before, after, operator }).map(render);
    }
    if (change.type === 'operator-status-set') {
      const data = operatorStatus({ status: change.status, statusUs: change.atUs, statusReason: change.reason });
      return [render({ objectType: 'OPERATOR_STATUS', event: 'upd', id: change.operatorId, data })];
    }
    if (change.type === 'operator-saved') {
      const data = operatorObject(change.operator, this.#defaultMaxChats);
      return [render({ objectType: 'OPERATOR', event: operatorBefore === undefined ? 'add' : 'upd', id: change.operator.id, data })];
    }
    if (after === undefined || kind === 'colleagues') return [];
    return kind === 'own' ? this.#ownChat(after) : chatDeltas(change, before, after, kind).map(render);
  }

  async #reopened(chat: Chat, operator: Operator | undefined): Promise<readonly RenderedDelta[]> {
    return openedDeltas(chat, operator, await visitorMessages(this.#messages, chat)).map(render);
  }

  #ownChat(chat: Chat): Rendering {
    const told = (messages: readonly object[]): readonly RenderedDelta[] => [render(ownChat(chat, messages))];
    const young = this.#firstMessages.of(chat);
    return young === undefined ? chatMessages(this.#messages, chat).then(told) : told(young.map(toOperator));
  }
}

/** The chat's last messages as its operator sees them, none newer than the header, of about `bytes`. */
export async function chatMessages(messages: Messages, chat: Chat, bytes = CHAT_BYTES): Promise<object[]> {
  return (await lastMessages(messages, chat, { limit: CHAT_MESSAGES, bytes })).map(toOperator);
}

/** As its visitor sees them. */
export async function visitorMessages(messages: Messages, chat: Chat): Promise<object[]> {
  const list = await lastMessages(messages, chat, { limit: VISITOR_MESSAGES, bytes: CHAT_BYTES });
  return list.filter(message => isShownToVisitors(message.kind) && !message.deleted).map(message => visitorMessage(message, message.read));
}

function toOperator(message: StoredMessage): object {
  return operatorMessage(message, message.read);
}

async function lastMessages(
  messages: Messages,
  { id: chatId, visitorId, messageCount, lastTsUs }: Chat,
  { limit, bytes }: { readonly limit: number; readonly bytes: number },
) {
  return messageCount === 0 ? [] : messages.listOfChat({ chatId, visitorId, upToUs: lastTsUs, limit, bytes });
}

/** All of them as deltas, in order. */
export async function awaitRenderings(renderings: readonly Rendering[]): Promise<RenderedDelta[]> {
  const deltas: RenderedDelta[] = [];
  for (const rendering of renderings) deltas.push(...(await rendering));
  return deltas;
}

/** Of a closed chat, or of none, only the visitor hears. */
function hearersWithoutChat(change: Change): readonly ToldTo[] {
  if (change.type === 'message-edited') return [toVisitor(change.message.visitorId)];
  return change.type === 'chat-rated' || change.type === 'survey-changed' || change.type === 'visitor-changed'
    ? [toVisitor(change.visitorId)]
    : NOBODY;
}

function isInSamePlace(a: Chat, b: Chat): boolean {
  return a.state === b.state && a.departmentKey === b.departmentKey && ownerOf(a) === ownerOf(b);
}

function toVisitor(visitorId: string): ToldTo {
  return { topic: visitorTopic(visitorId), kind: 'visitor' };
}
