/** What was said and done, of any age: texts, chats, their history, bans, time in statuses. */
import type { HistoryRow } from '../domain/chat-history.ts';
import type { Chat, ChatState } from '../domain/chat.ts';
import type { Message } from '../domain/message.ts';
import type { Microseconds } from '../domain/time.ts';
import type { Ban, Visitor } from '../domain/visitor.ts';

export interface Messages {
  /** The newest messages of a chat that are not newer than `upToUs`: at most `limit`, of about `bytes`; oldest first. Calls share statements. */
  listOfChat(wanted: ChatMessagesWanted): Promise<readonly StoredMessage[]>;
  /** A visitor's messages changed after `sinceUs` in the order of their change; without it, the newest ones by time. At most PAGE_BYTES. */
  listHistory(query: HistoryQuery): Promise<HistoryPage>;
  findChat(chatId: number): Promise<Chat | undefined>;
  /** The visitor's newest chat, open or closed. */
  findLastChat(visitorId: string): Promise<LastChat | undefined>;
}

export interface MessageSearch {
  /** The visitor's own view: newest first, at most `limit` and PAGE_BYTES. Throws ChatError `unavailable` when it takes too long. */
  find(query: MessageQuery): Promise<Found<StoredMessage>>;
}

export interface MessageQuery {
  readonly visitorId: string;
  readonly text: string;
  readonly beforeUs: Microseconds | undefined;
  readonly limit: number;
}

export interface Found<T> {
  readonly rows: readonly T[];
  /** There are others behind these. */
  readonly hasMore: boolean;
}

export type LastChat = Pick<Chat, 'id' | 'state' | 'operatorId' | 'departmentKey' | 'modifiedUs'>;

export interface ChatMessagesWanted {
  readonly chatId: number;
  readonly visitorId: string;
  readonly upToUs: Microseconds;
  readonly limit: number;
  /** One message comes whatever its size. */
  readonly bytes: number;
}

export interface HistoryQuery {
  readonly visitorId: string;
  readonly chatId?: number;
  readonly sinceUs?: Microseconds;
  readonly beforeUs?: Microseconds;
  readonly limit: number;
  /** As operators see it: notes, and what the visitor has cleared, too. */
  readonly includeHidden: boolean;
}

/** `read`: was this visitor's message read by an operator (kept as a mark on its chat, not in each message)? */
export type StoredMessage = Message & { readonly read: boolean };

export interface HistoryPage {
  readonly hasMore: boolean;
  readonly messages: readonly StoredMessage[];
  readonly revisionUs: Microseconds;
}

export interface ChatHistories {
  /** The newest ones, or those before that step, oldest first; at most PAGE_BYTES. */
  ofChat(chatId: number, beforeStep: number | undefined): Promise<Found<HistoryRow>>;
}

export interface BannedVisitor {
  readonly visitorId: string;
  readonly fields: Visitor['fields'];
  readonly ban: Ban;
}

/** Where a list of bans was cut. */
export interface BanPlace {
  readonly atUs: Microseconds;
  readonly visitorId: string;
}

export interface Bans {
  /** Newest first, at most `limit` and PAGE_BYTES, of visitors whom `by` may read of (undefined: of all); `before`: behind this one. */
  list(by: ReadableBy | undefined, limit: number, before: BanPlace | undefined): Promise<Found<BannedVisitor>>;
}

export interface StatusSeconds {
  readonly status: string;
  readonly seconds: number;
}

export interface StatusTimes {
  /** How long an operator was in each status, the present one included. */
  secondsOf(operatorId: number, fromUs: Microseconds, toUs: Microseconds): Promise<readonly StatusSeconds[]>;
}

/** An operator as one who reads chats. */
export interface ReadableBy {
  readonly operatorId: number;
  readonly departmentKeys: readonly string[];
}

export interface ChatQuery {
  /** Only what this operator may read; undefined: all. */
  readonly readableBy: ReadableBy | undefined;
  readonly states?: readonly ChatState[] | undefined;
  readonly operatorId?: number | undefined;
  readonly departmentKey?: string | undefined;
  readonly visitorId?: string | undefined;
  /** When they began. */
  readonly fromUs?: Microseconds | undefined;
  readonly toUs?: Microseconds | undefined;
  /** In one of the messages. */
  readonly text?: string | undefined;
  readonly beforeId?: number | undefined;
  readonly limit: number;
}

export interface Visit {
  readonly visitSessionId: string;
  readonly from: Date;
  readonly to: Date;
  readonly pages: number;
  readonly location: string;
  readonly title: string;
  readonly url: string;
  readonly platform: string;
}

export interface ChatSearch {
  /** Newest first, at most `limit` and PAGE_BYTES. Throws ChatError `unavailable` when it takes too long. */
  find(query: ChatQuery): Promise<Found<Chat>>;
  /** May `by` (undefined: who may read all) read a chat of this visitor, or is there none at all? undefined: there is no such visitor. */
  mayRead(by: ReadableBy | undefined, visitorId: string): Promise<boolean | undefined>;
  /** With his newest visits. */
  findVisitor(visitorId: string): Promise<{ readonly visitor: Visitor; readonly visits: readonly Visit[] } | undefined>;
}
