/** Domain rows as operators see them (docs/protocol/operator.md 3.1). */
import { cutText } from '../domain/text.ts';
import type { Chat } from '../domain/chat.ts';
import type { Department } from '../domain/department.ts';
import type { Message, Quote } from '../domain/message.ts';
import { capacityOf, type Operator } from '../domain/operator.ts';
import { toSeconds, toSecondsOrNull } from '../domain/time.ts';
import type { OnlineStatus } from './visitor-objects.ts';

/** `messages`: the last ones, oldest first, for chats that are his own or assigned to him. */
export function operatorChat(chat: Chat, messages?: readonly object[]): object {
  return {
    id: chat.id,
    clientSideId: chat.clientSideId,
    state: chat.state,
    visitor: chatVisitor(chat),
    operatorId: chat.operatorId,
    assignedOperatorId: chat.assignedOperatorId,
    assignedTs: toSecondsOrNull(chat.assignedUs),
    departmentKey: chat.departmentKey,
    lang: chat.lang,
    location: chat.location,
    offline: chat.offline,
    creationTs: toSeconds(chat.createdUs),
    queueTs: toSeconds(chat.queuedUs),
    modificationTs: toSeconds(chat.modifiedUs),
    ...chatRead(chat),
    rating: chat.operatorId === null ? null : (chat.ratings[chat.operatorId]?.rating ?? null),
    category: chat.category,
    subject: chat.subject,
    page: { url: chat.pageUrl, title: chat.pageTitle },
    messageCount: chat.messageCount,
    lastMessage: lastMessage(chat),
    ...(messages === undefined ? {} : { messages }),
  };
}

/** In lists: as much of what others have filled in as a row shows. Whole it comes with the chat's own object and the visitor's card. */
const LISTED_FIELD = 200;
const LISTED_FIELDS = 1_000;
const LISTED_URL = 500;
const LISTED_TITLE = 200;
const LISTED_NAME = 100;
/** Before all others, as they say who it is. */
const FIRST_FIELDS = ['id', 'display_name', 'name', 'email', 'phone'];

/** A chat as one of many. */
export function listedChat(chat: Chat): object {
  const { lastMessage } = chat;
  return operatorChat({
    ...chat,
    visitorFields: listedFields(chat.visitorFields, chat.visitorVerified),
    pageUrl: cutText(chat.pageUrl, LISTED_URL),
    pageTitle: cutText(chat.pageTitle, LISTED_TITLE),
    lastMessage: lastMessage === null ? null : { ...lastMessage, name: cutText(lastMessage.name, LISTED_NAME) },
  });
}

/** What is signed comes first: nobody pushes it out by telling more. */
export function listedFields(fields: Chat['visitorFields'], verified: readonly string[] = []): Chat['visitorFields'] {
  let room = LISTED_FIELDS;
  const listed: [string, string][] = [];
  const isSigned = (name: string): boolean => verified.includes(name);
  const names = [...FIRST_FIELDS.filter(isSigned), ...verified, ...FIRST_FIELDS, ...Object.keys(fields)];
  for (const name of new Set(names)) {
    const value = fields[name] === undefined ? undefined : cutText(fields[name], LISTED_FIELD);
    if (value === undefined || name.length + value.length > room) continue;
    room -= name.length + value.length;
    listed.push([name, value]);
  }
  return Object.fromEntries(listed);
}

export function chatVisitor(chat: Chat): object {
  return { id: chat.visitorId, fields: chat.visitorFields, verified: chat.visitorVerified, channel: chat.channel };
}

export function chatRead(chat: Chat) {
  return {
    unreadByOperatorSinceTs: toSecondsOrNull(chat.unreadByOperatorSinceUs),
    unreadByVisitorSinceTs: toSecondsOrNull(chat.unreadByVisitorSinceUs),
    unreadByVisitorMsgCnt: chat.unreadByVisitorMsgCnt,
    readByVisitor: chat.readByVisitor,
  };
}

/** All of `operatorChat` that a move within the department changes. */
export function chatState(chat: Chat): object {
  return {
    state: chat.state,
    operatorId: chat.operatorId,
    assignedOperatorId: chat.assignedOperatorId,
    assignedTs: toSecondsOrNull(chat.assignedUs),
    modificationTs: toSeconds(chat.modifiedUs),
  };
}

export function operatorMessage(message: Message, read: boolean): object {
  return {
    id: message.id,
    clientSideId: message.clientSideId,
    kind: message.kind,
    text: message.text,
    name: message.name,
    ts: toSeconds(message.tsUs),
    ts_m: message.tsUs,
    authorId: message.authorId,
    avatar: message.avatar,
    read,
    edited: message.edited,
    deleted: message.deleted,
    data: message.data ?? null,
    quote: message.quote === null ? null : quoteObject(message.quote),
    reaction: message.reaction,
    chatId: String(message.chatId),
    sessionId: message.visitSessionId,
  };
}

function quoteObject(quote: Quote): object {
  if (quote.state === 'not-found') return { state: quote.state, message: null };
  const { tsUs, ...message } = quote.message;
  return { state: quote.state, message: { ...message, ts: toSeconds(tsUs), ts_m: tsUs } };
}

export function operatorObject(operator: Operator, defaultMaxChats: number): object {
  return {
    id: operator.id,
    fullname: operator.fullname,
    login: operator.login,
    avatar: operator.avatar,
    title: operator.title,
    ...operatorStatus(operator),
    chats: operator.load,
    maxChats: capacityOf(operator, defaultMaxChats),
    departmentKeys: operator.departmentKeys,
    langs: operator.langs,
    roles: operator.roles,
  };
}

export function operatorStatus(operator: Pick<Operator, 'status' | 'statusUs' | 'statusReason'>): object {
  return { status: operator.status, statusTs: toSeconds(operator.statusUs), statusReason: operator.statusReason };
}

export function departmentObject(department: Department, online: OnlineStatus, queue: number): object {
  return { id: department.id, key: department.key, name: department.name, order: department.order, online, queue };
}

function lastMessage(chat: Chat): object | null {
  if (chat.lastMessage === null) return null;
  const { id, kind, name, text, tsUs } = chat.lastMessage;
  return { id, kind, name, text, ts: toSeconds(tsUs), ts_m: tsUs };
}
