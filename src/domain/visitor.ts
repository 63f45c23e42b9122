/**
 * A visitor of the web site, known by a random id that his device keeps, and the two shorter lives he has on
 * this server: a visit session, and a page (one client with its own token).
 */
import type { Microseconds } from './time.ts';

export interface Visitor {
  readonly id: string;
  readonly fields: Readonly<Record<string, string>>;
  /** The last message time given out before his open chat, which has its own; without one, the last at all. */
  readonly lastTsUs: Microseconds;
  /** His history up to this time is not shown to him any more. */
  readonly clearedUs: Microseconds;
}

/** With `more` added; an empty value takes one away. */
export function withFields(fields: Visitor['fields'], more: Visitor['fields']): Visitor['fields'] {
  return Object.fromEntries(Object.entries({ ...fields, ...more }).filter(([, value]) => value !== ''));
}

export function areSameFields(a: Visitor['fields'], b: Visitor['fields']): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every(name => a[name] === b[name]);
}

/** The customer has said who he is. */
export function isIdentified({ fields }: Pick<Visitor, 'fields'>): boolean {
  return fields['id'] !== undefined;
}

/** What a page id stands for; looked up by every call of a visitor. */
export interface Page {
  readonly id: string;
  readonly visitorId: string;
  readonly visitSessionId: string;
  readonly location: string;
  readonly title: string;
}

/** The name under which operators and the visitor himself see his messages. */
export function visitorName(fields: Readonly<Record<string, string>>): string {
  return fields['display_name'] ?? fields['name'] ?? 'Visitor';
}
