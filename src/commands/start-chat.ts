/**
 * A visitor begins a chat. He has at most one open chat: a repeat, or a start while one is open, is answered ok and
 * begins none, because SDKs send it whenever they are not sure; what he asks with it is said in the open one.
 */
import type { Change } from '../domain/change.ts';
import type { Chat } from '../domain/chat.ts';
import { type Message, messageId, type Quote, type VISITOR_KINDS, visitorSender } from '../domain/message.ts';
import type { Microseconds } from '../domain/time.ts';
import { type Page, type Visitor, visitorName } from '../domain/visitor.ts';
import { getVisitor, nextMessageTime } from './chat-rows.ts';
import { type Command, unchanged } from '../commit/command.ts';
import { addOperatorOfHeld, wake } from './visitor-speaks.ts';
import { chatBytes, MESSAGE_BYTES, textBytes } from './command-bytes.ts';

export interface ChatOpening {
  readonly page: Page;
  readonly clientSideId: string;
  /** Must exist; the caller has checked it. */
  readonly departmentKey: string | null;
  readonly lang: string;
  /** Left while nobody was there to answer. */
  readonly offline?: boolean;
  /** By how much it goes before others, because of the page it is begun on. */
  readonly headStartSeconds?: number;
}

export interface StartChat extends ChatOpening {
  /** Becomes the visitor's first message. */
  readonly firstQuestion: string | undefined;
  /** 16 random hex digits for the id of that message. */
  readonly nonce: string;
  readonly defaultMaxChats: number;
}

export function startChat(start: StartChat): Command<{ readonly chatId: number }> {
  const { page, clientSideId, firstQuestion, defaultMaxChats } = start;
  const firstId = `${clientSideId}-first`;
  const sender = visitorSender(page.visitorId);
  return {
    name: 'chat.start',
    bytes: MESSAGE_BYTES + chatBytes(page) + textBytes(firstQuestion),
    addKeys(keys, hot) {
      keys.addVisitorWithChat(page.visitorId);
      addOperatorOfHeld(keys, hot.openChatOf(page.visitorId));
      if (firstQuestion !== undefined) keys.addSent(sender, firstId);
      keys.newChats += 1;
    },
    decide(rows, nowUs) {
      const visitor = getVisitor(rows, page.visitorId);
      const open = rows.openChatOf(page.visitorId);
      const question = rows.sentMessage(sender, firstId) === undefined ? firstQuestion : undefined;
      if (open !== undefined && question === undefined) return unchanged({ chatId: open.id });
      const chat = open ?? newChat(rows.newChatId(), visitor, start, nowUs);
      const changes: Change[] =
        open === undefined ? [{ type: 'chat-opened', chat, as: 'opened' }] : wake(open, rows, defaultMaxChats, nowUs);
      if (question !== undefined) changes.push({ type: 'message-added', message: firstMessage(chat, start, question, nowUs) });
      return { changes, answer: { chatId: chat.id } };
    },
  };
}

function firstMessage(chat: Chat, { page, clientSideId, nonce }: StartChat, text: string, nowUs: Microseconds): Message {
  const words = { clientSideId: `${clientSideId}-first`, kind: 'visitor' as const, text, data: null, quote: null, nonce };
  return visitorMessage(chat, page, words, nowUs);
}

export function newChat(id: number, visitor: Visitor, opening: ChatOpening, nowUs: Microseconds): Chat {
  const { page, clientSideId, departmentKey, lang } = opening;
  return {
    id,
    clientSideId,
    visitorId: visitor.id,
    visitorFields: visitor.fields,
    visitorVerified: visitor.verified,
    channel: 'web',
    visitSessionId: page.visitSessionId,
    state: 'queue',
    operatorId: null,
    assignedOperatorId: null,
    assignedUs: null,
    declined: [],
    lastOperatorId: visitor.lastOperatorId,
    departmentKey,
    lang,
    location: page.location,
    offline: opening.offline ?? false,
    createdUs: nowUs,
    queuedUs: nowUs,
    headStartSeconds: opening.headStartSeconds ?? 0,
    modifiedUs: nowUs,
    unreadByOperatorSinceUs: null,
    readByOperatorUs: 0,
    unreadByVisitorSinceUs: null,
    unreadByVisitorMsgCnt: 0,
    readByVisitor: true,
    category: null,
    subject: null,
    ratings: {},
    survey: null,
    pageUrl: page.url,
    pageTitle: page.title,
    messageCount: 0,
    lastMessage: null,
    lastTsUs: visitor.lastTsUs,
    version: 0,
  };
}

export interface VisitorWords {
  readonly clientSideId: string;
  readonly kind: (typeof VISITOR_KINDS)[number];
  readonly text: string;
  readonly data: unknown;
  readonly quote: Quote | null;
  readonly nonce: string;
}

export function visitorMessage(chat: Chat, page: Page, words: VisitorWords, nowUs: Microseconds): Message {
  const tsUs = nextMessageTime(chat, nowUs);
  return {
    id: messageId(tsUs, words.nonce),
    chatId: chat.id,
    visitorId: chat.visitorId,
    visitSessionId: page.visitSessionId,
    sender: visitorSender(chat.visitorId),
    clientSideId: words.clientSideId,
    kind: words.kind,
    authorId: null,
    name: visitorName(chat.visitorFields),
    avatar: null,
    text: words.text,
    data: words.data,
    tsUs,
    changedUs: tsUs,
    edited: false,
    deleted: false,
    quote: words.quote,
    reaction: null,
  };
}
