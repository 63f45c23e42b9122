/**
 * A message: one word of a chat that is stored for good. Its time is unique per visitor and never changes; the
 * id begins with that time, so that a message is found by (visitor, time) without an index of its own.
 */
import type { Microseconds } from './time.ts';

export type MessageKind = 'visitor' | 'operator' | 'info' | 'for_operator';

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
  /** From the same counter as tsUs, set again by an edit: the visitor's history revision is the greatest. */
  readonly changedUs: Microseconds;
  readonly edited: boolean;
}

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
  return /^[0-9a-f]{32}$/.test(id) ? Number.parseInt(id.slice(0, 16), 16) : undefined;
}

export function isFromVisitor(message: Message): boolean {
  return message.kind === 'visitor';
}

/** Kinds that stay among operators. */
export function isHiddenFromVisitor(message: Message): boolean {
  return message.kind === 'for_operator';
}
