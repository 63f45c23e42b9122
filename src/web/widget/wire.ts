/** What the server says to a visitor (docs/protocol/visitor.md), as far as the widget reads it. */

export type OnlineStatus = 'online' | 'busy_online' | 'offline' | 'busy_offline';

export interface FullUpdate {
  readonly pageId: string;
  readonly authToken: string;
  readonly visitSessionId: string;
  /** Goes back to the server in the next init. */
  readonly visitor: Visitor;
  readonly visitorFull?: Visitor;
  readonly onlineStatus: OnlineStatus;
  readonly chat: WireChat | null;
  readonly departments: readonly Department[];
  readonly historyRevision: number;
  readonly showHelloMessage: boolean;
  readonly helloMessageDescr: string;
  readonly survey: Survey | null;
  readonly queue: QueuePlace | null;
}

export interface Visitor {
  readonly id: string;
  readonly fields: Readonly<Record<string, string>>;
}

export type ChatState =
  | 'queue'
  | 'chatting'
  | 'chatting_with_robot'
  | 'invitation'
  | 'routing'
  | 'hold'
  | 'closed'
  | 'closed_by_operator'
  | 'closed_by_visitor';

/** A chat without its messages. */
export interface Chat {
  readonly id: number;
  readonly state: ChatState;
  readonly operator: Operator | null;
  readonly operatorTyping: boolean;
  readonly operatorIdToRate: Readonly<Record<string, Rating>>;
  readonly unreadByVisitorMsgCnt: number;
  readonly offline: boolean;
}

export interface WireChat extends Chat {
  readonly messages: readonly Message[];
}

export interface Operator {
  readonly id: number;
  readonly fullname: string;
  readonly avatar: string | null;
  readonly title: string | null;
}

export interface Rating {
  readonly operatorId: number;
  /** -2 … 2. */
  readonly rating: number;
}

export interface Department {
  readonly key: string;
  readonly name: string;
  readonly online: OnlineStatus;
}

export interface QueuePlace {
  readonly position: number;
  readonly estimateSeconds: number | null;
}

export interface Survey {
  readonly id: string;
  readonly config: { readonly descriptor: { readonly forms: readonly { readonly id: number; readonly questions: readonly Question[] }[] } };
  readonly current_question: { readonly form_id: number; readonly question_id: number };
}

export interface Question {
  readonly type: 'stars' | 'radio' | 'comment';
  readonly text: string;
  readonly options?: readonly string[];
}

export interface Message {
  readonly id: string;
  readonly clientSideId: string;
  readonly kind: string;
  readonly text: string;
  readonly name: string;
  /** Seconds. */
  readonly ts: number;
  /** Microseconds; unique, and never changes. */
  readonly ts_m: number;
  readonly authorId: number | null;
  readonly avatar: string | null;
  /** His own message was read by an operator. */
  readonly read: boolean;
  readonly canBeEdited: boolean;
  readonly canBeReplied: boolean;
  readonly canVisitorReact: boolean;
  readonly edited: boolean;
  readonly deleted: boolean;
  readonly data: unknown;
  readonly quote: { readonly state: string; readonly message: QuotedMessage | null } | null;
  readonly reaction: Reaction | null;
  readonly chatId: string;
}

export type Reaction = 'like' | 'dislike';

export type QuotedMessage = Pick<Message, 'id' | 'kind' | 'text' | 'name'>;

/** The text of a file message is one of these as JSON, or a list of them. */
export interface FileDescription {
  readonly guid: string;
  readonly filename: string;
  readonly content_type: string;
  readonly size: number;
  readonly image: { readonly size: { readonly width: number; readonly height: number } } | null;
}

/** `data` of a message of kind `keyboard`. */
export interface Keyboard {
  readonly state: 'pending' | 'completed' | 'cancelled';
  readonly buttons: readonly (readonly { readonly id: string; readonly text: string }[])[];
  readonly response?: { readonly buttonId: string };
}

export interface Frame {
  readonly revision?: string | number;
  readonly fullUpdate?: FullUpdate;
  readonly deltaList?: readonly Delta[];
}

export interface Delta {
  readonly objectType: string;
  readonly event: 'add' | 'upd' | 'del';
  readonly id: string;
  /** By objectType; see `applyDelta` in state.ts. */
  readonly data: unknown;
}

export interface HistoryPage {
  /** In answer to `since` only. */
  readonly revision?: string;
  readonly hasMore: boolean;
  readonly messages: readonly Message[];
}

const OWN_KINDS: readonly string[] = ['visitor', 'file_visitor', 'sticker_visitor', 'keyboard_response', 'contacts'];

export function isOwn({ kind }: Pick<Message, 'kind'>): boolean {
  return OWN_KINDS.includes(kind);
}

export function isFromOperator({ kind }: Pick<Message, 'kind'>): boolean {
  return ['operator', 'file_operator', 'keyboard', 'cont_req'].includes(kind);
}

export function isFile({ kind }: Pick<Message, 'kind'>): boolean {
  return kind === 'file_visitor' || kind === 'file_operator';
}

export function isOpen(chat: Chat | null): boolean {
  return chat?.state.startsWith('closed') === false;
}

/** The files of a file message; none of them when its text cannot be read. */
export function filesOf({ text }: Pick<Message, 'text'>): readonly FileDescription[] {
  try {
    const found = JSON.parse(text) as FileDescription | readonly FileDescription[];
    return Array.isArray(found) ? (found as readonly FileDescription[]) : [found as FileDescription];
  } catch {
    return [];
  }
}
