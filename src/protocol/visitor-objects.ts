/**
 * Domain rows as visitors see them, in the JSON types that both published SDKs accept (docs/protocol/visitor.md 3):
 * booleans that are never null, integer ids where iOS wants integers, strings elsewhere.
 */
import { type Chat, isOpen } from '../domain/chat.ts';
import { visibleState } from '../domain/chat-states.ts';
import type { Department } from '../domain/department.ts';
import {
  canBeTakenBack,
  canBeReactedTo,
  canBeReplied,
  isFromVisitor,
  isShownToVisitors,
  type Message,
  type Quote,
} from '../domain/message.ts';
import type { Operator } from '../domain/operator.ts';
import { currentQuestion, type Survey } from '../domain/survey.ts';
import { toSeconds, toSecondsOrNull } from '../domain/time.ts';
import { isIdentified, type Visitor } from '../domain/visitor.ts';

export type OnlineStatus = 'online' | 'busy_online' | 'offline' | 'busy_offline';

export function visitorChat(chat: Chat, operator: Operator | undefined, messages: readonly object[]): object {
  return {
    id: chat.id,
    clientSideId: chat.clientSideId,
    state: visibleState(chat.state),
    messages,
    operatorTyping: false,
    readByVisitor: chat.readByVisitor,
    operator: chat.operatorId === null || operator === undefined ? null : visitorOperator(operator),
    operatorIdToRate: ratesOf(chat),
    unreadByVisitorMsgCnt: chat.unreadByVisitorMsgCnt,
    unreadByVisitorSinceTs: toSecondsOrNull(chat.unreadByVisitorSinceUs),
    unreadByOperatorSinceTs: toSecondsOrNull(chat.unreadByOperatorSinceUs),
    offline: chat.offline,
    visitorTyping: null,
    creationTs: toSeconds(chat.createdUs),
    modificationTs: toSeconds(chat.modifiedUs),
    category: chat.category,
    subcategory: null,
    subject: chat.subject,
  };
}

/** `read`: an operator has read this message of the visitor. */
export function visitorMessage(message: Message, read: boolean): object {
  return {
    id: message.id,
    // Operators make up their own ids, which may collide in a visitor's device; the server's are unique.
    clientSideId: isFromVisitor(message) ? message.clientSideId : message.id,
    kind: message.kind,
    text: message.text,
    name: message.name,
    ts: toSeconds(message.tsUs),
    ts_m: message.tsUs,
    authorId: message.authorId,
    avatar: message.avatar,
    read,
    canBeEdited: canBeTakenBack(message),
    canBeReplied: canBeReplied(message),
    edited: message.edited,
    deleted: message.deleted,
    data: message.data ?? null,
    quote: message.quote === null ? null : quoteObject(message.quote),
    reaction: message.reaction,
    canVisitorReact: canBeReactedTo(message),
    canVisitorChangeReaction: canBeReactedTo(message),
    chatId: String(message.chatId),
    sessionId: message.visitSessionId,
  };
}

/** SDKs take a quoted message's time as whole seconds only. */
function quoteObject(quote: Quote): object {
  if (quote.state === 'not-found' || !isShownToVisitors(quote.message.kind)) return { state: 'not-found', message: null };
  const { id, kind, text, name, authorId, tsUs } = quote.message;
  return { state: quote.state, message: { id, kind, text, name, authorId, ts: Math.floor(toSeconds(tsUs)), channelSideId: null } };
}

export function operatorRate(operatorId: number, rating: number): object {
  return { operatorId, rating };
}

/** null when there is nothing left to ask. */
export function surveyObject(survey: Survey): object | null {
  const current = currentQuestion(survey);
  if (current === undefined) return null;
  return { id: survey.id, config: survey.config, current_question: { form_id: current.formId, question_id: current.questionId } };
}

function ratesOf({ ratings }: Chat): object {
  return Object.fromEntries(Object.entries(ratings).map(([id, { rating }]) => [id, operatorRate(Number(id), rating)]));
}

export function visitorOperator(operator: Operator): object {
  return {
    id: operator.id,
    fullname: operator.fullname,
    avatar: operator.avatar,
    title: operator.title,
    additionalInfo: '',
    departmentKeys: operator.departmentKeys,
  };
}

export function visitorDepartment(department: Department, online: OnlineStatus): object {
  return { key: department.key, name: department.name, online, order: department.order, localeToName: {}, logo: null };
}

/** Shown to the visitor himself by his app; whatever else is known of him stays here. */
const OWN_FIELDS = ['id', 'display_name', 'name', 'email', 'phone'];
const OWN_FIELD_LENGTH = 100;

/**
 * `secret`: proves that he is this visitor (sessions/visitors/secrets.ts); undefined for who is signed in, whom only a signature
 * proves. Comes back to us in every later init, as a URL parameter: kept small. The longest is 3.5 KB there; with all that may be known
 * of a visitor it was 10 KB and more, which proxies refuse, and an app never starts again.
 */
export function visitorSelf(id: string, secret: string | undefined, fields: Visitor['fields']): object {
  const own = OWN_FIELDS.flatMap(name => {
    const value = fields[name];
    return value === undefined || value.length > OWN_FIELD_LENGTH ? [] : [[name, value] as const];
  });
  return { ...visitorFull(id, Object.fromEntries(own), isIdentified({ fields })), ...(secret === undefined ? {} : { secret }) };
}

/** With all that is known of him, for apps that want to show it. */
export function visitorFull(id: string, fields: Visitor['fields'], hasProvidedFields = isIdentified({ fields })): object {
  return {
    id,
    fields,
    icon: { color: iconColor(id), shape: 'circle' },
    hasProvidedFields,
    tags: [],
  };
}

/** One colour per visitor for life: operators tell strangers apart by it. */
function iconColor(visitorId: string): string {
  return `#${visitorId.slice(0, 6).padEnd(6, '0')}`;
}

/** `idle` until he has chatted in this visit session. */
export function visitSessionState(chat: Chat | undefined, chattedBefore: boolean): string {
  if (chat !== undefined && isOpen(chat)) return 'chat';
  return chattedBefore ? 'idle-after-chat' : 'idle';
}
