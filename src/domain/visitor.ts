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
