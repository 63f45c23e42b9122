/**
 * What the browser keeps, and whether it is of the form that was put there: it may be older than this widget, somebody else's, or spoilt.
 * What is of another form counts as nothing (memory.ts).
 */
import { type Field, FIELDS } from './options.ts';
import type { QuotedMessage, Visitor } from './wire.ts';

export interface Identity {
  readonly visitor: Visitor;
  readonly visitSessionId: string;
}

/** A message, or (without `text`) a step that goes before one: a chat is started, fields are told. */
export interface Unsent {
  /** The `client-side-id`. */
  readonly id: string;
  readonly action: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly text?: string;
  readonly quote?: QuotedMessage;
  /** Seconds. */
  readonly ts: number;
  /** Why it was refused; undefined: it is on its way. */
  readonly failure?: string;
}

/** What was asked of the visitor before their first message. */
export interface Prechat {
  readonly fields: Readonly<Partial<Record<Field, string>>>;
  readonly department?: string;
  /** The server knows it, or will with the next message. */
  readonly isTold: boolean;
}

export type Form<T> = (value: unknown) => value is T;

/** It travels in an address, which proxies do not let grow for ever. */
const MAX_VISITOR = 6_000;
const MAX_TEXT = 20_000;

export function isFlag(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_TEXT;
}

export function isIdentity(value: unknown): value is Identity {
  if (!isRecord(value) || !isRecord(value['visitor'])) return false;
  return isText(value['visitor']['id']) && isText(value['visitSessionId']) && JSON.stringify(value).length <= MAX_VISITOR;
}

export function isPrechat(value: unknown): value is Prechat {
  if (!isRecord(value) || !isRecordOfTexts(value['fields']) || !isFlag(value['isTold'])) return false;
  const names: readonly string[] = FIELDS;
  return Object.keys(value['fields']).every(name => names.includes(name)) && isTextIfAny(value['department']);
}

export function isListOfUnsent(value: unknown): value is readonly Unsent[] {
  return Array.isArray(value) && value.every(isUnsent);
}

function isUnsent(value: unknown): boolean {
  if (!isRecord(value) || typeof value['ts'] !== 'number') return false;
  const { id, action, parameters, text, quote, failure } = value;
  if (!isText(id) || !isText(action) || !isRecordOfTexts(parameters)) return false;
  return isTextIfAny(text) && isTextIfAny(failure) && (quote === undefined || isRecordOfTexts(quote));
}

function isTextIfAny(value: unknown): boolean {
  return value === undefined || isText(value);
}

function isRecordOfTexts(value: unknown): value is Record<string, string> {
  return isRecord(value) && Object.values(value).every(isText);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
