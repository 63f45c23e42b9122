/**
 * A message: one word of a chat that is stored for good. Its time is unique per visitor and never changes; the
 * id begins with that time, so that a message is found by (visitor, time) without an index of its own.
 */
import type { Microseconds } from './time.ts';

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
  /** A note among operators. */
  | 'for_operator';

export type Reaction = 'like' | 'dislike';

/** Of what was said before, as it was when it was quoted. */
export type Quote =
  | { readonly state: 'filled'; readonly message: Pick<Message, 'id' | 'kind' | 'text' | 'name' | 'authorId' | 'tsUs'> }
  | { readonly state: 'not-found' };

export interface Message {
  readonly id: string;
  readonly chatId: number;
  readonly visitorId: string;
  readonly visitSessionId: string;
  /** Whose client message ids these are: unique together with clientSideId. */
  readonly sender: Sender;
  readonly clientSideId: string;
  readonly kind: MessageKind;
  readonly authorId: number | null;
  readonly name: string;
  readonly avatar: string | null;
  readonly text: string;
  readonly data: unknown;
  readonly tsUs: Microseconds;
  /** From the same counter as tsUs, set again by every change: the visitor's history revision is the greatest. */
  readonly changedUs: Microseconds;
  readonly edited: boolean;
  /** Its text, data and quote are gone; its place stays. */
  readonly deleted: boolean;
  readonly quote: Quote | null;
  /** The visitor's, to what an operator said. */
  readonly reaction: Reaction | null;
}

/** What visitors say, and operators read. */
export const VISITOR_KINDS = [
  'visitor',
  'file_visitor',
  'sticker_visitor',
  'keyboard_response',
  'contacts',
] as const satisfies readonly MessageKind[];

/**
 * Kinds that reach visitors. What is not named here stays among operators, so a kind that only a newer version knows does too.
 */
const IS_SHOWN = {
  visitor: true,
  file_visitor: true,
  sticker_visitor: true,
  keyboard_response: true,
  contacts: true,
  operator: true,
  file_operator: true,
  keyboard: true,
  cont_req: true,
  info: true,
  for_operator: false,
} as const satisfies Record<MessageKind, boolean>;

export const MESSAGE_KINDS = Object.keys(IS_SHOWN) as readonly MessageKind[];
export const SHOWN_KINDS = MESSAGE_KINDS.filter(kind => IS_SHOWN[kind]);

/** `v:<visitor id>`, `o:<operator id>` or `system`. */
export type Sender = string;

export function visitorSender(visitorId: string): Sender {
  return `v:${visitorId}`;
}

export function operatorSender(operatorId: number): Sender {
  return `o:${operatorId}`;
}

/** Under what a message is looked up when its client may have sent it before. */
export function sentKey(sender: Sender, clientSideId: string): string {
  return `${sender} ${clientSideId}`;
}

/** 32 hex digits: 16 of the time, 16 of `nonce` (random, made by the caller, 16 hex digits). */
export function messageId(tsUs: Microseconds, nonce: string): string {
  return tsUs.toString(16).padStart(16, '0') + nonce;
}

/** The time that a message id carries, or undefined when it is no message id. */
export function messageTime(id: string): Microseconds | undefined {
  const tsUs = /^[0-9a-f]{32}$/.test(id) ? Number.parseInt(id.slice(0, 16), 16) : undefined;
  return Number.isSafeInteger(tsUs) ? tsUs : undefined;
}

export function isFromVisitor(message: Pick<Message, 'kind'>): boolean {
  return (VISITOR_KINDS as readonly MessageKind[]).includes(message.kind);
}

/** A text of the visitor's own. */
export function canBeEdited(message: Pick<Message, 'kind'>): boolean {
  return message.kind === 'visitor';
}

/** By the visitor whose it is, while the chat is open. Published SDKs offer deleting where `canBeEdited` is told. */
export function canBeTakenBack(message: Pick<Message, 'kind'>): boolean {
  return message.kind === 'visitor' || message.kind === 'file_visitor';
}

export function canBeReplied(message: Pick<Message, 'kind'>): boolean {
  return ['visitor', 'file_visitor', 'operator', 'file_operator'].includes(message.kind);
}

export function canBeReactedTo(message: Pick<Message, 'kind'>): boolean {
  return message.kind === 'operator' || message.kind === 'file_operator';
}

/** The one decision on what leaves for visitors, by whatever way; SQL is built from the same list. */
export function isShownToVisitors(kind: MessageKind): boolean {
  return SHOWN_KINDS.includes(kind);
}

/** A note among operators; with a file if `data` has one (docs/protocol/operator.md). */
export function isNote(message: Pick<Message, 'kind'>): boolean {
  return message.kind === 'for_operator';
}

/** A text that its operator may word anew: neither a file nor something to be pressed. */
export function isOperatorsText(message: Pick<Message, 'kind' | 'data'>): boolean {
  return message.kind === 'operator' || (isNote(message) && !hasFile(message.data));
}

/** Is it the data of a message that a file came with? */
export function hasFile(data: unknown): boolean {
  return typeof data === 'object' && data !== null && Object.hasOwn(data, 'file');
}

/** What visitors never see is quoted as what was never said, to everybody. */
export function quoteOf(message: Message | undefined): Quote {
  if (message === undefined || message.deleted || !isShownToVisitors(message.kind) || !canBeReplied(message)) return { state: 'not-found' };
  const { id, kind, text, name, authorId, tsUs } = message;
  return { state: 'filled', message: { id, kind, text, name, authorId, tsUs } };
}

/** Without its words; the log holds them until it is pruned. */
export function deletedMessage(message: Message, changedUs: Microseconds): Message {
  return { ...message, text: '', data: null, quote: null, reaction: null, deleted: true, changedUs };
}
