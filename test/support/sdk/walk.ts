/** Looks at JSON by the names of its members, wherever they are: what no published app can bear is listed. */
import type { Seen } from './wire.ts';

type Check = (value: unknown) => boolean;

const isInteger: Check = value => Number.isSafeInteger(value);
const isText: Check = value => typeof value === 'string';
const isFlag: Check = value => typeof value === 'boolean';
const orNull =
  (check: Check): Check =>
  value =>
    value === null || check(value);

/** By name, or by the name of the object that it is in and its own. */
const RULES: Readonly<Record<string, Check>> = {
  'chat.id': isInteger,
  'CHAT.id': isInteger,
  'operator.id': isInteger,
  'CHAT_OPERATOR.id': isInteger,
  authorId: orNull(isInteger),
  operatorId: isInteger,
  rating: isInteger,
  historyRevision: isInteger,
  'departments.order': isInteger,
  ts_m: isInteger,
  unreadByVisitorMsgCnt: isInteger,
  msgCnt: isInteger,
  'desc.size': isInteger,
  'upload.size': isInteger,
  width: isInteger,
  height: isInteger,
  'quoted.ts': isInteger,
  'deltaList.id': isText,
  'messages.id': isText,
  'items.id': isText,
  'CHAT_MESSAGE.id': isText,
  'visitor.id': isText,
  'survey.id': isText,
  'buttons.id': isText,
  chatId: orNull(isText),
  clientSideId: isText,
  pageId: isText,
  authToken: isText,
  visitSessionId: isText,
  'history.revision': isText,
  operatorTyping: isFlag,
  readByVisitor: isFlag,
  hasMore: isFlag,
  'CHAT_OPERATOR_TYPING=': isFlag,
  'CHAT_READ_BY_VISITOR=': isFlag,
  'MESSAGE_READ=': isFlag,
  'CHAT_STATE=': isText,
  'VISIT_SESSION_STATE=': isText,
  'UNREAD_BY_VISITOR=': value => typeof value === 'object' && value !== null,
};

export interface Walk {
  /** How often each rule was looked at. */
  readonly counts: Map<string, number>;
  readonly faults: string[];
}

/** Answers are called by the last part of their path: init, history, upload, … */
export function walkAll(seen: readonly Seen[]): Walk {
  const found: Walk = { counts: new Map(), faults: [] };
  for (const { call, body } of seen) {
    const name = call.path.split('/').at(-1) ?? '';
    if (body !== undefined) visit(body, name, name, found);
  }
  return found;
}

function visit(value: unknown, parent: string, path: string, found: Walk): void {
  if (Array.isArray(value)) return value.forEach((item, i) => visit(item, parent, `${path}[${i}]`, found));
  if (typeof value !== 'object' || value === null) return;
  const { objectType } = value as { objectType?: unknown };
  for (const [key, member] of Object.entries(value)) {
    const at = `${path}.${key}`;
    check(key, member, at, found);
    check(`${parent}.${key}`, member, at, found);
    if (key === 'data' && typeof objectType === 'string') {
      check(`${objectType}=`, member, at, found);
      visit(member, objectType, at, found);
    } else visit(member, nameOf(key, parent), at, found);
  }
}

/** `data` of an answer is called as the answer, a message in a quote is another thing than one in a chat. */
function nameOf(key: string, parent: string): string {
  if (key === 'data') return parent;
  return parent === 'quote' && key === 'message' ? 'quoted' : key;
}

function check(rule: string, value: unknown, at: string, { counts, faults }: Walk): void {
  const matches = RULES[rule];
  if (matches === undefined) return;
  counts.set(rule, (counts.get(rule) ?? 0) + 1);
  if (!matches(value)) faults.push(`${at}: ${JSON.stringify(value)}`);
}
