/**
 * A visitor of the web site, known by a random id that his device keeps, and the two shorter lives he has on
 * this server: a visit session, and a page (one client with its own token).
 */
import type { Microseconds } from './time.ts';

export interface Visitor {
  readonly id: string;
  readonly fields: Readonly<Record<string, string>>;
  /** Names of the fields that the customer's site has signed, or its backend has vouched for; the others he has told himself. */
  readonly verified: readonly string[];
  /** The last message time given out before his open chat, which has its own; without one, the last at all. */
  readonly lastTsUs: Microseconds;
  /** His history up to this time is not shown to him any more. */
  readonly clearedUs: Microseconds;
  /** Who had his last chat. */
  readonly lastOperatorId: number | null;
  readonly ban: Ban | null;
}

/** As he is when he comes. */
export function newVisitor(id: string): Visitor {
  return { id, fields: {}, verified: [], lastTsUs: 0, clearedUs: 0, lastOperatorId: null, ban: null };
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

/** Of all names and values: they are with every chat, on every node. Room for all that can be signed. */
const MAX_FIELDS_LENGTH = 10_200;

/** What is newly said of a visitor: by himself, and by whoever may sign it. Empty values take away. */
export interface Told {
  readonly told?: Visitor['fields'] | undefined;
  readonly signed?: Visitor['fields'] | undefined;
}

/**
 * The visitor with what is newly said, or the same object if nothing is new. What is signed is changed and taken away by a
 * signature alone. When there is no room for all of it, what is signed stays, then what is new.
 */
export function withTold<V extends Pick<Visitor, 'fields' | 'verified'>>(visitor: V, { told = {}, signed = {} }: Told): V {
  const { fields } = visitor;
  const before = verifiedOf(visitor);
  const isGone = (name: string): boolean => signed[name] === '' && before.has(name);
  const verified = [...new Set([...before, ...Object.keys(signed).filter(name => signed[name] !== '')])]
    .filter(name => !isGone(name))
    .sort();
  const own = Object.entries(told).filter(([name]) => name !== 'id' && !verified.includes(name));
  const said = new Map([...Object.entries(fields), ...own, ...Object.entries(signed).filter(([, value]) => value !== '')]);
  for (const name of before) if (isGone(name)) said.delete(name);

  let room = MAX_FIELDS_LENGTH;
  const kept: Record<string, string> = {};
  for (const name of new Set([...verified, ...own.map(([name]) => name), ...said.keys()])) {
    const value = said.get(name);
    if (value === undefined || value === '' || name.length + value.length > room) continue;
    room -= name.length + value.length;
    kept[name] = value;
  }
  const after = { fields: kept, verified: verified.filter(name => Object.hasOwn(kept, name)) };
  const isSame = areSameFields(after.fields, fields) && String(after.verified) === String(visitor.verified);
  return isSame ? visitor : { ...visitor, ...after };
}

/** An id is only ever taken signed, also where nobody has kept what was. */
function verifiedOf({ fields, verified }: Pick<Visitor, 'fields' | 'verified'>): Set<string> {
  return new Set(isIdentified({ fields }) ? [...verified, 'id'] : verified);
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
  /** Of its visitor, which his secret is derived from. */
  readonly secretGeneration: number;
  /** As an app names it; empty: a browser. */
  readonly deviceId: string;
  /** It has no rows yet, and its visitor none: he has done nothing. */
  readonly rowless?: true;
}

/** The name under which operators and the visitor himself see his messages. */
export function visitorName(fields: Readonly<Record<string, string>>): string {
  return fields['display_name'] ?? fields['name'] ?? 'Visitor';
}
