/**
 * Who of the operators may do what: every call and every action of the operator protocol stands here with the least role and,
 * where it reads or touches something that is nobody's own, what that must be to them. http asks for the role before anything is
 * read; sessions ask for the rest under the same name, when the parameters are read. A call or action that is not
 * here does not exist. What depends on a chat's state (is it theirs, may they take it) is decided by its command,
 * on locked rows.
 *
 * test/http/rights.test.ts walks all of it with every sort of caller.
 */
import { ChatError } from '../../domain/error.ts';
import { isAdmin, isSupervisor, type Operator } from '../../domain/operator.ts';
import type { ReadableBy } from '../../ports/index.ts';
import { readableChat } from './readable-chat.ts';
import type { Services } from '../services.ts';

type Rule<I> = (services: Services, operator: Operator, id: I) => Promise<void>;

export interface Right {
  /** Admins may what supervisors may, and supervisors what operators may. */
  readonly least: 'operator' | 'supervisor' | 'admin';
  readonly chat?: Rule<number>;
  readonly visitor?: Rule<string>;
  /** Whoever only watches is not at their desk because of it. */
  readonly isWatching?: true;
}

/** A chat they see, had, or of one of their departments. */
const READABLE_CHAT: Rule<number> = async (services, operator, chatId) => {
  await readableChat(services, operator, chatId);
};

/** Somebody of whom they may read a chat, or who never had one. */
const READABLE_VISITOR: Rule<string> = async ({ chatSearch }, operator, visitorId) => {
  const mayRead = await chatSearch.mayRead(readableBy(operator), visitorId);
  if (mayRead === undefined) throw new ChatError('not-found', 'visitor-not-found', 'there is no such visitor');
  if (!mayRead) throw new ChatError('forbidden', 'not-allowed', 'all chats of this visitor are of other departments');
};

const OPERATOR = { least: 'operator' } as const;
const ADMIN_WATCHING = { least: 'admin', isWatching: true } as const;

/** Calls with a log-in. What has a rule of its own beside: files keep to the chats they are in, canned answers to their owners. */
export const CALL_RIGHTS = {
  'POST /l/o/logout': OPERATOR,
  'GET /l/o/me': OPERATOR,
  'POST /l/o/password': OPERATOR,
  'POST /l/o/set-status': OPERATOR,
  'POST /l/o/action': OPERATOR,
  'GET /l/o/delta': OPERATOR,
  'GET /l/o/history': { least: 'operator', chat: READABLE_CHAT },
  'GET /l/o/assignments': { least: 'operator', chat: READABLE_CHAT },
  'GET /l/o/queue': OPERATOR,
  'GET /l/o/chats': OPERATOR,
  'GET /l/o/visitor': { least: 'operator', visitor: READABLE_VISITOR },
  'GET /l/o/bans': { least: 'supervisor' },
  'POST /l/o/upload': OPERATOR,
  'GET /l/o/download': OPERATOR,
  'GET /l/o/canned-answers': OPERATOR,
  'POST /l/o/canned-answers': OPERATOR,
  'POST /l/o/canned-answers/remove': OPERATOR,
  'GET /l/o/cluster': ADMIN_WATCHING,
  'POST /l/o/cluster/promote': ADMIN_WATCHING,
  'POST /l/o/cluster/handover': ADMIN_WATCHING,
  'POST /l/o/cluster/drain': ADMIN_WATCHING,
} as const satisfies Record<string, Right>;

/** Actions, on each transport. */
export const ACTION_RIGHTS = {
  'chat.take': OPERATOR,
  'chat.message': OPERATOR,
  'chat.edit_message': OPERATOR,
  'chat.delete_message': OPERATOR,
  'chat.keyboard': OPERATOR,
  'chat.request_contacts': OPERATOR,
  'chat.typing': OPERATOR,
  'chat.read': OPERATOR,
  'chat.transfer': OPERATOR,
  'chat.release': OPERATOR,
  'chat.close': OPERATOR,
  'chat.start': { least: 'operator', visitor: READABLE_VISITOR },
  'chat.set_subject': OPERATOR,
  'visitor.ban': { least: 'operator', visitor: READABLE_VISITOR },
  'visitor.unban': { least: 'operator', visitor: READABLE_VISITOR },
  'operator.set_status': OPERATOR,
} as const satisfies Record<string, Right>;

export type CallName = keyof typeof CALL_RIGHTS;
export type ActionName = keyof typeof ACTION_RIGHTS;

const RIGHTS = { ...CALL_RIGHTS, ...ACTION_RIGHTS };

/** Before anything is read. Throws `not-allowed`. */
export function refuseOthers(operator: Operator, { least }: Right): void {
  if (!hasRole(operator, least)) throw new ChatError('forbidden', 'not-allowed', `for ${least}s only`);
}

type NameWith<K extends 'chat' | 'visitor'> = {
  [Name in keyof typeof RIGHTS]: (typeof RIGHTS)[Name] extends Readonly<Record<K, unknown>> ? Name : never;
}[keyof typeof RIGHTS];

/** Throws `not-allowed`, `chat-not-found`. */
export function refuseUnlessTheirChat(name: NameWith<'chat'>, services: Services, operator: Operator, chatId: number): Promise<void> {
  return RIGHTS[name].chat(services, operator, chatId);
}

/** Throws `not-allowed`, `visitor-not-found`. */
export function refuseUnlessTheirVisitor(
  name: NameWith<'visitor'>,
  services: Services,
  operator: Operator,
  visitorId: string,
): Promise<void> {
  return RIGHTS[name].visitor(services, operator, visitorId);
}

/** Whose chats they may read; undefined: all. */
export function readableBy(operator: Operator): ReadableBy | undefined {
  return isAdmin(operator) ? undefined : { operatorId: operator.id, departmentKeys: operator.departmentKeys };
}

function hasRole(operator: Operator, least: Right['least']): boolean {
  return least === 'operator' || isAdmin(operator) || (least === 'supervisor' && isSupervisor(operator));
}
