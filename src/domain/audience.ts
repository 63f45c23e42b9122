/**
 * Who must hear of a change. Sessions subscribe to topics; a change names topics, computed from the chat before and
 * after it, in an order in which the first match of a session counts. So cost follows those who must hear, and the
 * same topics answer a client that resumes later.
 */
import { type Chat, isOpen, ownerOf } from './chat.ts';
import { isAdmin, isSupervisor, type Operator, worksIn } from './operator.ts';

export type Topic = string;

export const ALL_OPERATORS: Topic = 'operators';
export const ALL_VISITORS: Topic = 'visitors';
const ADMINS: Topic = 'admins';

/** The id itself: 32 hex digits are like no other topic, and the string is there already. */
export const visitorTopic = (visitorId: string): Topic => visitorId;
export const pageTopic = (pageId: string): Topic => `p:${pageId}`;
/** Of a visitor's pages without rows on one device. */
export const deviceTopic = (visitorId: string, deviceId: string): Topic => `d:${visitorId} ${deviceId}`;
export const operatorTopic = (operatorId: number): Topic => `o:${operatorId}`;
const queueTopic = (departmentKey: string | null): Topic => `q:${departmentKey ?? ''}`;
const supervisorTopic = (departmentKey: string | null): Topic => `s:${departmentKey ?? ''}`;

/** Everything an operator's sessions subscribe to. It changes only with his departments, roles or his being disabled. */
export function topicsOfOperator(operator: Operator): Topic[] {
  const departments = [null, ...operator.departmentKeys];
  return [
    operatorTopic(operator.id),
    ALL_OPERATORS,
    ...(isAdmin(operator) ? [ADMINS] : []),
    ...(isSupervisor(operator) ? departments.map(supervisorTopic) : []),
    ...departments.map(queueTopic),
  ];
}

/** Own and assigned chats; queued chats of his departments; all of them for supervisors there and for admins. */
export function canSee(operator: Operator, chat: Chat): boolean {
  if (!isOpen(chat)) return false;
  if (ownerOf(chat) === operator.id || isAdmin(operator)) return true;
  return worksIn(operator, chat.departmentKey) && (chat.state === 'queue' || isSupervisor(operator));
}

/** Its texts: chats they see, had, or of one of their departments, open or closed. */
export function mayRead(operator: Operator, chat: Chat): boolean {
  return isAdmin(operator) || chat.operatorId === operator.id || canSee(operator, chat) || worksIn(operator, chat.departmentKey);
}

/** own: the chat has just become his (he gets its messages) · add, upd, del: as the delta's event. */
export type Hearing = 'own' | 'add' | 'upd' | 'del';

export interface Hearer {
  readonly topic: Topic;
  readonly hearing: Hearing;
}

/** Operators who hear of a change of a chat; a session's first match counts. */
export function hearersOf(before: Chat | undefined, after: Chat | undefined, operators: ReadonlyMap<number, Operator>): Hearer[] {
  const open = after !== undefined && isOpen(after) ? after : undefined;
  const from = ownerOf(before);
  const to = ownerOf(open);
  const hearers: Hearer[] = [];
  if (to !== null) hearers.push({ topic: operatorTopic(to), hearing: from === to ? 'upd' : 'own' });
  if (from !== null && from !== to) {
    const former = operators.get(from);
    hearers.push({
      topic: operatorTopic(from),
      hearing: open !== undefined && former !== undefined && canSee(former, open) ? 'upd' : 'del',
    });
  }
  hearers.push({ topic: ADMINS, hearing: hearing(before !== undefined, open !== undefined) });
  addPlace(hearers, supervisorTopic, before, open);
  addPlace(hearers, queueTopic, before?.state === 'queue' ? before : undefined, open?.state === 'queue' ? open : undefined);
  return hearers;
}

/** A chat that stands under a topic before and after; when it moves, those of the new place are named first. */
function addPlace(
  hearers: Hearer[],
  topicOf: (departmentKey: string | null) => Topic,
  before: Chat | undefined,
  after: Chat | undefined,
): void {
  const from = before === undefined ? undefined : topicOf(before.departmentKey);
  const to = after === undefined ? undefined : topicOf(after.departmentKey);
  if (to !== undefined) hearers.push({ topic: to, hearing: hearing(from === to, true) });
  if (from !== undefined && from !== to) hearers.push({ topic: from, hearing: 'del' });
}

function hearing(sawBefore: boolean, seesAfter: boolean): Hearing {
  return seesAfter ? (sawBefore ? 'upd' : 'add') : 'del';
}
