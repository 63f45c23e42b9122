/**
 * The lists of the desk: what belongs into which, in what order, and how a list stands still while somebody points at it.
 * Pure functions.
 */
import { nameOf } from './visitor-name.ts';
import { type Chat, isFromVisitor, type Operator } from './wire.ts';

export const TABS = ['mine', 'assigned', 'queue', 'all'] as const;
export type Tab = (typeof TABS)[number];

/** What a list shows: chats in this order, and how many more there are that wait to be shown. */
export interface Shown {
  readonly ids: readonly number[];
  readonly newCount: number;
}

export function belongsTo(chat: Chat, tab: Tab, myId: number): boolean {
  switch (tab) {
    case 'mine':
      return chat.operatorId === myId;
    case 'assigned':
      return chat.state === 'queue' && chat.assignedOperatorId === myId;
    case 'queue':
      return chat.state === 'queue' && chat.assignedOperatorId !== myId;
    case 'all':
      return true;
  }
}

export function countTabs(chats: Iterable<Chat>, myId: number): Readonly<Record<Tab, number>> {
  const counts = { mine: 0, assigned: 0, queue: 0, all: 0 };
  for (const chat of chats) {
    counts.all += 1;
    for (const tab of ['mine', 'assigned', 'queue'] as const) if (belongsTo(chat, tab, myId)) counts[tab] += 1;
  }
  return counts;
}

/** Ids in order. Own ones: who waits for an answer first, the longest before others; the queue by its places; all: the newest first. */
export function orderedIds(chats: Iterable<Chat>, tab: Tab, myId: number, filter: string): number[] {
  const words = filter.trim().toLowerCase();
  const found: { id: number; first: number; then: number }[] = [];
  for (const chat of chats) {
    if (!belongsTo(chat, tab, myId) || (words !== '' && !matches(chat, words))) continue;
    found.push({ id: chat.id, ...sortKey(chat, tab) });
  }
  return found.sort((a, b) => a.first - b.first || a.then - b.then || a.id - b.id).map(({ id }) => id);
}

/** While it is held, rows stay where they are, those that have gone too, and new ones are only counted. */
export function shownIds(before: readonly number[], wanted: readonly number[], isHeld: boolean): Shown {
  if (!isHeld) return { ids: wanted, newCount: 0 };
  const known = new Set(before);
  return { ids: before, newCount: wanted.reduce((count, id) => count + (known.has(id) ? 0 : 1), 0) };
}

/** Since when its visitor waits for a word of an operator; null: he does not. */
export function waitsSince(chat: Chat): number | null {
  if (chat.state === 'queue') return chat.queueTs;
  const { lastMessage } = chat;
  return chat.unreadByOperatorSinceTs ?? (lastMessage !== null && isFromVisitor(lastMessage) ? lastMessage.ts : null);
}

/** Does it call for this operator's attention? */
export function isUnreadFor(chat: Chat, myId: number): boolean {
  if (chat.operatorId === myId) return chat.unreadByOperatorSinceTs !== null;
  return chat.state === 'queue' && chat.assignedOperatorId === myId;
}

/** The order of a transfer: who may take chats and has most room first, who is offline last. */
export function byAvailability(sortOf: (operator: Operator) => string): (a: Operator, b: Operator) => number {
  const rank = (operator: Operator): number => {
    const sort = sortOf(operator);
    if (sort === 'takes') return operator.chats < operator.maxChats ? 0 : 1;
    return sort === 'none' ? 2 : 3;
  };
  const share = ({ chats, maxChats }: Operator): number => chats / Math.max(1, maxChats);
  return (a, b) => rank(a) - rank(b) || share(a) - share(b) || a.fullname.localeCompare(b.fullname);
}

function sortKey(chat: Chat, tab: Tab): { first: number; then: number } {
  switch (tab) {
    case 'mine': {
      const since = waitsSince(chat);
      return since === null ? { first: 1, then: -chat.modificationTs } : { first: 0, then: since };
    }
    case 'assigned':
      return { first: chat.assignedTs ?? chat.queueTs, then: chat.queueTs };
    case 'queue':
      return { first: chat.queueTs, then: 0 };
    case 'all':
      return { first: -chat.modificationTs, then: 0 };
  }
}

function matches(chat: Chat, words: string): boolean {
  return [nameOf(chat.visitor), chat.lastMessage?.text, chat.departmentKey, chat.subject, String(chat.id)].some(
    text => text?.toLowerCase().includes(words) === true,
  );
}
