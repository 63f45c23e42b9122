/** What operators do with each other's chats, with visitors, and supervisors with operators: by name, as in operator-actions.ts. */
import { banVisitor } from '../../commands/ban-visitor.ts';
import type { Executed } from '../../commit/command.ts';
import { type ChatSubject, setChatSubject } from '../../commands/describe-chat.ts';
import { inviteVisitor } from '../../commands/invite-visitor.ts';
import { setOperatorStatus } from '../../commands/operator-status.ts';
import { transferChat } from '../../commands/transfer-chat.ts';
import { ChatError } from '../../domain/error.ts';
import type { Operator, OperatorStatus } from '../../domain/operator.ts';
import type { Subject } from '../../domain/rules.ts';
import { toSeconds } from '../../domain/time.ts';
import { type Parameters, wrong } from '../../protocol/parameters.ts';
import { type ActionName, refuseUnlessTheirVisitor } from './rights.ts';
import type { Services } from '../services.ts';
import { newNonce } from '../ids.ts';
import { readMessage } from '../message-parameters.ts';

export type OperatorAction = (services: Services, operator: Operator, parameters: Parameters) => Promise<Executed<object | null>>;

const MAX_REASON_LENGTH = 500;
const MAX_SUBJECT_LENGTH = 200;
/** Of seconds since 1970: the year 2255, which a number of microseconds still holds. */
const MAX_SECONDS = 9_000_000_000;

export const TEAM_ACTIONS = {
  'chat.transfer': ({ loop, limits }, operator, parameters) =>
    loop.execute(
      transferChat({
        operatorId: operator.id,
        chatId: parameters.key('chatId'),
        to: readTarget(parameters),
        note: parameters.has('note') ? readMessage(parameters, limits.maxMessageLength, 'note') : undefined,
        override: parameters.optionalBoolean('override') ?? false,
        defaultMaxChats: limits.defaultMaxChats,
        nonce: newNonce(),
      }),
    ),

  'chat.start': async (services, operator, parameters) => {
    const { loop, limits, pages } = services;
    const visitorId = parameters.id('visitorId');
    const message = parameters.has('message') ? readMessage(parameters, limits.maxMessageLength) : undefined;
    await refuseUnlessTheirVisitor('chat.start', services, operator, visitorId);
    const page = await pages.findNewestOf(visitorId);
    if (page === undefined) throw new ChatError('not-found', 'visitor-not-found', 'there is no such visitor');
    return loop.execute(
      inviteVisitor({
        operatorId: operator.id,
        page,
        message,
        lang: '',
        defaultMaxChats: limits.defaultMaxChats,
        nonce: newNonce(),
      }),
    );
  },

  'chat.set_subject': ({ loop, rules }, operator, parameters) =>
    loop.execute(setChatSubject({ operatorId: operator.id, chatId: parameters.key('chatId'), ...readSubject(parameters, rules.subjects) })),

  'visitor.ban': async (services, operator, parameters) => {
    const { loop, nowUs } = services;
    const visitorId = parameters.id('visitorId');
    const until = parameters.optionalInteger('until', { min: 0, max: MAX_SECONDS });
    if (until !== undefined && until <= toSeconds(nowUs())) throw wrong('until', 'a time to come is expected, in seconds since 1970');
    const reason = parameters.optionalText('reason', { max: MAX_REASON_LENGTH }) ?? '';
    const ban = { untilUs: until === undefined ? null : until * 1_000_000, reason };
    await refuseUnlessTheirVisitor('visitor.ban', services, operator, visitorId);
    return loop.execute(banVisitor({ operatorId: operator.id, visitorId, ban }));
  },

  'visitor.unban': async (services, operator, parameters) => {
    const visitorId = parameters.id('visitorId');
    await refuseUnlessTheirVisitor('visitor.unban', services, operator, visitorId);
    return services.loop.execute(banVisitor({ operatorId: operator.id, visitorId, ban: null }));
  },

  'operator.set_status': async (services, operator, parameters) => {
    const operatorId = parameters.key('operatorId');
    const status = readStatus(services, parameters);
    const { answer, revision } = await services.loop.execute(setOperatorStatus({ operatorId, status, by: operator.id }));
    return { answer: { status: answer.status, statusTs: toSeconds(answer.statusUs) }, revision };
  },
} as const satisfies Partial<Record<ActionName, OperatorAction>>;

/** Throws `unknown-status`. */
export function readStatus({ statuses }: Services, parameters: Parameters): OperatorStatus {
  const name = parameters.text('status', { max: 100 });
  const status = statuses.find(known => known.name === name);
  if (status === undefined) throw new ChatError('invalid', 'unknown-status', `there is no status '${name}'`, { argumentName: 'status' });
  return status;
}

function readTarget(parameters: Parameters): { readonly operatorId: number } | { readonly departmentKey: string } {
  const departmentKey = parameters.optionalId('departmentKey');
  if (departmentKey === undefined) return { operatorId: parameters.key('operatorId') };
  if (parameters.has('operatorId')) throw wrong('operatorId', 'an operator or a department, not both');
  return { departmentKey };
}

type Labels = Pick<ChatSubject, 'category' | 'subject'>;

/** One of `known`, if there are any: a subject brings its category along, a category alone takes the subject away. */
function readSubject(parameters: Parameters, known: readonly Subject[]): Labels {
  const category = readLabel(parameters, 'category');
  const subject = readLabel(parameters, 'subject');
  if (known.length === 0) return { category, subject };
  if (typeof subject === 'string') {
    const found = known.find(one => one.subject === subject && (category === undefined || one.category === category));
    if (found === undefined) throw wrong('subject', 'it is none of chat_subjects');
    return found;
  }
  if (typeof category === 'string' && !known.some(one => one.category === category)) throw wrong('category', 'it is none of chat_subjects');
  return { category, subject: category === undefined ? subject : null };
}

/** Empty: none. */
function readLabel(parameters: Parameters, name: string): string | null | undefined {
  const text = parameters.optionalText(name, { max: MAX_SUBJECT_LENGTH })?.trim();
  return text === '' ? null : text;
}
