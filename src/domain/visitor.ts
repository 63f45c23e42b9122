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
  /** Who had his last chat. */
  readonly lastOperatorId: number | null;
  readonly ban: Ban | null;
}

/** As his first init has left him; what is known of him may have been added. */
export function isUntouched({ lastTsUs, clearedUs, lastOperatorId, ban }: Visitor): boolean {
  return lastTsUs === 0 && clearedUs === 0 && lastOperatorId === null && ban === null;
}

/** He is kept out. */
export interface Ban {
  /** null: for ever. */
  readonly untilUs: Microseconds | null;
  readonly reason: string;
  /** The operator who did it. */
  readonly by: number;
  readonly atUs: Microseconds;
}

export function isBanned(ban: Ban | null, nowUs: Microseconds): boolean {
  return ban !== null && (ban.untilUs === null || nowUs < ban.untilUs);
}

/** Of all names and values: they are with every chat, on every node. */
const MAX_FIELDS_LENGTH = 10_000;

/** With `more` added, as long as there is room; an empty value takes one away. */
export function withFields(fields: Visitor['fields'], more: Visitor['fields']): Visitor['fields'] {
  let room = MAX_FIELDS_LENGTH;
  const kept: [string, string][] = [];
  for (const [name, value] of Object.entries({ ...more, ...fields, ...more })) {
    if (value === '' || name.length + value.length > room) continue;
    room -= name.length + value.length;
    kept.push([name, value]);
  }
  return Object.fromEntries(kept);
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
  readonly platform: string;
  /** Of the site's page he is on, as far as his client tells; empty: not known. */
  readonly url: string;
}

/** The name under which operators and the visitor himself see his messages. */
export function visitorName(fields: Readonly<Record<string, string>>): string {
  return fields['display_name'] ?? fields['name'] ?? 'Visitor';
}
