/** What clients ask for and the hot state does not hold: pages, identities, logins, canned answers, pushes. */
import type { CannedAnswer, CannedContent, CannedOwner } from '../domain/canned-answer.ts';
import type { Survey } from '../domain/survey.ts';
import type { Ban, Page, Visitor } from '../domain/visitor.ts';
import type { Found } from './histories.ts';

export interface PageOpening {
  readonly pageId: string;
  readonly visitorId: string;
  /** Gone on with when it is this visitor's; empty for none. */
  readonly oldVisitSessionId: string;
  readonly newVisitSessionId: string;
  readonly location: string;
  readonly title: string;
  readonly platform: string;
  readonly url: string;
  readonly deviceId: string;
  readonly pushService: string;
  readonly pushToken: string | null;
  /** The customer has said who he is. */
  readonly isIdentified: boolean;
}

/** A page by its id, and whose it is if it has no row; empty: it must have one. */
export interface PageLookUp {
  readonly pageId: string;
  readonly visitorId: string;
}

/** The page if it lives; else whether it has ended, or its visitor is known all the same. */
export interface LookedUpPage {
  readonly found: FoundPage | undefined;
  readonly hasEnded: boolean;
  readonly isVisitorKnown: boolean;
}

/** What a device's word is held against. */
export interface KnownVisitor {
  readonly secretGeneration: number;
  readonly isIdentified: boolean;
}

export interface WrittenPage {
  readonly visitor: Visitor;
  readonly secretGeneration: number;
  readonly hasChatted: boolean;
  readonly hasEnded: boolean;
}

export interface PageVisitor {
  readonly visitor: Visitor;
  /** His newest chat was of this visit session: without an open one he is in `idle-after-chat`. */
  readonly chattedBefore: boolean;
  readonly hasChatted: boolean;
  /** Of his newest chat. */
  readonly survey: Survey | null;
}

export interface FoundPage {
  readonly page: Page;
  readonly ban: Ban | null;
}

export interface OpenedPage extends PageVisitor {
  readonly visitSessionId: string;
  readonly secretGeneration: number;
  /** Pages that the same device has opened as other visitors, which end when it comes as one who is signed in. */
  readonly othersPages: readonly { readonly pageId: string; readonly visitorId: string }[];
}

export interface Pages extends PushTargets {
  /** Creates what is missing of visitor, visit session and page. Calls of one moment share one statement. */
  open(opening: PageOpening): Promise<OpenedPage>;
  find(wanted: PageLookUp): Promise<LookedUpPage>;
  /** Writes the rows of a page without any, and of its visitor and visit session, unless they are there. Calls share statements. */
  write(page: Page): Promise<WrittenPage>;
  findKnown(visitorId: string): Promise<KnownVisitor | undefined>;
  /**
   * Takes a device at its word that has the visitor's id alone: once for a visitor who comes from a version without secrets. A repeat
   * within two minutes is the same one, whose answer may have been lost.
   */
  resumeBare(visitorId: string): Promise<boolean>;
  /** Of his open visit session, or the newest there is: for who wants to speak to him first. */
  findNewestOf(visitorId: string): Promise<Page | undefined>;
  /** What a full update of this page needs besides the hot state. */
  findVisitor(page: Page): Promise<PageVisitor | undefined>;
}

export interface PushTarget {
  readonly pageId: string;
  readonly token: string;
  readonly location: string;
}

export interface PushTargets {
  /** The visitor's apps that can be reached by push: the newest page of each device, if it has a token that no other visitor was given since. */
  pushTargets(visitorId: string): Promise<readonly PushTarget[]>;
  /** Of the page's device. */
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
  /** As it is written, else whatever its case where there is one such login only. */
  findByLogin(login: string): Promise<{ readonly operatorId: number; readonly passwordHash: string } | undefined>;
  /** For whoever was let in by this password; false: it is another meanwhile. */
  createSession(
    who: { readonly operatorId: number; readonly passwordHash: string },
    tokenHash: string,
    ttlSeconds: number,
  ): Promise<boolean>;
  /** The operator of a live login and how long it still lives; extends it when less than half is left. */
  findSession(tokenHash: string, ttlSeconds: number): Promise<{ readonly operatorId: number; readonly expiresInMs: number } | undefined>;
  /** The token hashes of his logins, also of those whose time is over: a WebSocket outlives it. */
  sessionsOf(operatorId: number): Promise<readonly string[]>;
  setPassword(operatorId: number, passwordHash: string): Promise<void>;
  /** false: it is not `before` any more. */
  replacePassword(operatorId: number, before: string, after: string): Promise<boolean>;
}

/** Wrong passwords of one kind: so many at most, and one less every so many seconds. */
export interface Bucket {
  readonly key: string;
  readonly bound: number;
  readonly everySeconds: number;
}

export interface LoginAttempts {
  /** Takes a place in each of them or in none. Returns the milliseconds until there is one, 0: it has. */
  reserve(buckets: readonly Bucket[]): Promise<number>;
  /** `emptied`: the key of the one in which nothing counts any more. */
  giveBack(buckets: readonly Bucket[], emptied: string): Promise<void>;
  /** Was it remembered within 30 days? */
  isKnown(place: string): Promise<boolean>;
  /** Of an account a bounded number is remembered. */
  remember(place: string, account: string): Promise<void>;
}

/** Texts that operators insert. */
export interface CannedAnswers {
  /** At most PAGE_BYTES. What fits best first: shortcuts that begin with the query; own ones, the departments', all's; by shortcut. */
  list(query: CannedQuery): Promise<Found<CannedAnswer>>;
  find(id: number): Promise<CannedAnswer | undefined>;
  /** How many this owner has. */
  count(owner: CannedOwner): Promise<number>;
  /** Returns the id. Throws ChatError `already-exists`, as `replace` does. */
  add(answer: CannedContent): Promise<number>;
  /** false: there is none with this id and this owner any more; so for `remove`. */
  replace(before: CannedAnswer, after: CannedContent): Promise<boolean>;
  remove(answer: CannedAnswer): Promise<boolean>;
}

export interface CannedQuery {
  readonly operatorId: number;
  /** undefined: of all departments. */
  readonly departmentKeys: readonly string[] | undefined;
  /** Stands in the shortcut or the text, in whatever case. */
  readonly query: string;
  /** This language's and those for any; undefined: all. */
  readonly lang: string | undefined;
  /** So many of them are known already. */
  readonly offset: number;
  readonly limit: number;
}
