/** What clients ask for and the hot state does not hold: texts, pages, identities, logins, pushes. */
import type { Chat } from '../domain/chat.ts';
import type { Message } from '../domain/message.ts';
import type { Survey } from '../domain/survey.ts';
import type { Microseconds } from '../domain/time.ts';
import type { Page, Visitor } from '../domain/visitor.ts';

export interface Messages {
  /** The newest `limit` messages of a chat that are not newer than `upToUs`, oldest first. Calls share statements. */
  listOfChat(wanted: ChatMessagesWanted): Promise<readonly StoredMessage[]>;
  /** A visitor's messages changed after `sinceUs` in the order of their change; without it, the newest ones by time. */
  listHistory(query: HistoryQuery): Promise<HistoryPage>;
  findChat(chatId: number): Promise<Chat | undefined>;
  /** The visitor's newest chat, open or closed. */
  findLastChatId(visitorId: string): Promise<number | undefined>;
  /** The visitor's own view: newest first, at most `limit`. */
  search(query: { readonly visitorId: string; readonly text: string; readonly limit: number }): Promise<readonly StoredMessage[]>;
}

export interface ChatMessagesWanted {
  readonly chatId: number;
  readonly visitorId: string;
  readonly upToUs: Microseconds;
  readonly limit: number;
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

export interface PageOpening {
  readonly pageId: string;
  readonly visitorId: string;
  /** Gone on with when it is this visitor's; empty for none. */
  readonly oldVisitSessionId: string;
  readonly newVisitSessionId: string;
  readonly location: string;
  readonly title: string;
  readonly platform: string;
  readonly deviceId: string;
  readonly pushService: string;
  readonly pushToken: string | null;
}

export interface PageVisitor {
  readonly visitor: Visitor;
  /** His newest chat was of this visit session: without an open one he is in `idle-after-chat`. */
  readonly chattedBefore: boolean;
  /** Of his newest chat. */
  readonly survey: Survey | null;
}

export interface OpenedPage extends PageVisitor {
  readonly visitSessionId: string;
  /** Older pages of the same device, which must be ended. */
  readonly replacedPageIds: readonly string[];
}

export interface Pages extends PushTargets {
  /** Creates what is missing of visitor, visit session and page. Calls of one moment share one statement. */
  open(opening: PageOpening): Promise<OpenedPage>;
  find(pageId: string): Promise<Page | undefined>;
  /** What a full update of this page needs besides the hot state. */
  findVisitor(page: Page): Promise<PageVisitor | undefined>;
}

export interface PushTarget {
  readonly pageId: string;
  readonly token: string;
  readonly location: string;
}

export interface PushTargets {
  /** The visitor's apps that can be reached by push: his live pages with a token. */
  pushTargets(visitorId: string): Promise<readonly PushTarget[]>;
  setPushToken(pageId: string, pushToken: string | null): Promise<void>;
}

/** What an app is told: an operator's message, file or request for contacts. */
export interface PushNote {
  readonly type: 'P.OM' | 'P.OF' | 'P.CR';
  readonly params: readonly string[];
  readonly location: string;
  readonly unread: number;
}

export interface PushGateway {
  /** gone: the token is good for nothing any more. Rejects when it may be tried again. */
  send(token: string, note: PushNote): Promise<'sent' | 'gone'>;
}

/** Who visitors are by the customer's word. */
export interface Identities {
  /** The visitor with this id of the customer's: `newVisitorId` when there is none yet. */
  visitorOf(providedId: string, newVisitorId: string): Promise<string>;
  /** What the customer's backend has said of a token. */
  findToken(tokenHash: string): Promise<Readonly<Record<string, string>> | undefined>;
  saveToken(tokenHash: string, fields: Readonly<Record<string, string>>): Promise<void>;
}

export interface OperatorLogins {
  findByLogin(login: string): Promise<{ readonly operatorId: number; readonly passwordHash: string } | undefined>;
  createSession(operatorId: number, tokenHash: string, ttlSeconds: number): Promise<void>;
  /** The operator of a live login and how long it still lives; extends it when less than half is left. */
  findSession(tokenHash: string, ttlSeconds: number): Promise<{ readonly operatorId: number; readonly expiresInMs: number } | undefined>;
  setPassword(operatorId: number, passwordHash: string): Promise<void>;
}
