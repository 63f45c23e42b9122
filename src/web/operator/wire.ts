/** The objects and frames of docs/protocol/operator.md, as they come. */

export type StatusSort = 'takes' | 'none' | 'offline';

export interface Status {
  readonly name: string;
  readonly sort: StatusSort;
  readonly title: string;
}

export interface Operator {
  readonly id: number;
  readonly fullname: string;
  readonly login: string;
  readonly title: string;
  readonly status: string;
  readonly statusTs: number;
  readonly statusReason: string;
  /** His load. */
  readonly chats: number;
  readonly maxChats: number;
  readonly departmentKeys: readonly string[];
  readonly langs: readonly string[];
  readonly roles: readonly string[];
}

export interface Department {
  readonly id: number;
  readonly key: string;
  readonly name: string;
  readonly order: number;
  readonly online: 'online' | 'busy_online' | 'offline';
  readonly queue: number;
}

export interface Visitor {
  readonly id: string;
  readonly fields: Readonly<Record<string, unknown>>;
  /** Names of the fields that are signed; absent: of a node of the version before. */
  readonly verified?: readonly string[];
  readonly channel: string;
}

export interface LastMessage {
  readonly id: string;
  readonly kind: MessageKind;
  readonly name: string;
  readonly text: string;
  readonly ts: number;
  readonly ts_m: number;
}

export interface Chat {
  readonly id: number;
  readonly state: string;
  readonly visitor: Visitor;
  readonly operatorId: number | null;
  readonly assignedOperatorId: number | null;
  readonly assignedTs: number | null;
  readonly departmentKey: string | null;
  readonly lang: string;
  readonly location: string;
  readonly offline: boolean;
  readonly creationTs: number;
  readonly queueTs: number;
  readonly modificationTs: number;
  readonly unreadByOperatorSinceTs: number | null;
  readonly unreadByVisitorSinceTs: number | null;
  readonly unreadByVisitorMsgCnt: number;
  readonly readByVisitor: boolean;
  readonly rating: number | null;
  readonly category: string | null;
  readonly subject: string | null;
  readonly page: { readonly url: string | null; readonly title: string | null };
  readonly messageCount: number;
  readonly lastMessage: LastMessage | null;
  readonly messages?: readonly Message[];
}

export type MessageKind =
  | 'visitor'
  | 'file_visitor'
  | 'sticker_visitor'
  | 'keyboard_response'
  | 'contacts'
  | 'operator'
  | 'file_operator'
  | 'keyboard'
  | 'cont_req'
  | 'info'
  | 'for_operator';

/** What an operator writes: an answer to the visitor, or a note among operators. */
export type WordsKind = Extract<MessageKind, 'operator' | 'for_operator'>;

export interface Quote {
  readonly state: 'filled' | 'not-found';
  readonly message: { readonly id: string; readonly kind: MessageKind; readonly text: string; readonly name: string } | null;
}

export interface Message {
  readonly id: string;
  readonly clientSideId: string;
  readonly kind: MessageKind;
  readonly text: string;
  readonly name: string;
  readonly ts: number;
  readonly ts_m: number;
  readonly authorId: number | null;
  readonly edited: boolean;
  readonly deleted: boolean;
  readonly data: unknown;
  readonly quote: Quote | null;
  readonly reaction: 'like' | 'dislike' | null;
}

export interface Subject {
  readonly category: string | null;
  readonly subject: string;
}

export interface Limits {
  readonly maxMessageLength: number;
  readonly maxFileSize: number;
  readonly maxChats: number;
}

export interface FullUpdate {
  readonly operator: Operator;
  readonly operators: readonly Operator[];
  readonly departments: readonly Department[];
  readonly chats: readonly Chat[];
  readonly statuses: readonly Status[];
  readonly subjects: readonly Subject[];
  readonly serverTs: number;
  readonly limits: Limits;
  /** Behind it are further chats: GET /l/o/queue. null or left out: these are all. */
  readonly chatsCursor?: string | null;
}

/** The answer of GET /l/o/queue. */
export interface QueuePage {
  readonly chats: readonly Chat[];
  readonly cursor: string | null;
}

export interface Delta {
  readonly objectType: string;
  readonly event: 'add' | 'upd' | 'del';
  readonly id: string | number;
  readonly data: unknown;
}

/** What moves the state: a full update, or changes; those without a revision are typing and derived values. */
export interface Frame {
  readonly revision?: string;
  readonly fullUpdate?: FullUpdate;
  readonly deltaList?: readonly Delta[];
}

/** The answer to an action. */
export interface Answer {
  readonly id: string;
  readonly result?: string;
  readonly error?: string;
  readonly desc?: string;
  readonly data?: unknown;
}

const VISITOR_KINDS: readonly MessageKind[] = ['visitor', 'file_visitor', 'sticker_visitor', 'keyboard_response', 'contacts'];

export function isFromVisitor({ kind }: { readonly kind: MessageKind }): boolean {
  return VISITOR_KINDS.includes(kind);
}

export function isClosed({ state }: Pick<Chat, 'state'>): boolean {
  return state.startsWith('closed');
}
