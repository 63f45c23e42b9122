/** Chats of any age for operators, and a visitor's card: what they may read, and nothing else. */
import { CLOSED_STATES, type ChatState, OPEN_STATES } from '../../domain/chat.ts';
import { ChatError } from '../../domain/error.ts';
import type { Operator } from '../../domain/operator.ts';
import { toSeconds } from '../../domain/time.ts';
import type { ChatQuery } from '../../ports/index.ts';
import { listedChat } from '../../protocol/operator-objects.ts';
import { type Parameters, wrong } from '../../protocol/parameters.ts';
import { readableBy, refuseUnlessTheirVisitor } from './rights.ts';
import type { Services } from '../services.ts';

const STATES: readonly ChatState[] = [...OPEN_STATES, ...CLOSED_STATES];
/** Seconds since 1970, as a number of microseconds can hold them. */
const MAX_SECONDS = 9_000_000_000;
/** On a card. */
const CARD_CHATS = 20;

/** A page of them; `cursor` of the answer is where the next one begins. Throws ChatError. */
export async function findChats(services: Services, operator: Operator, parameters: Parameters): Promise<object> {
  const limit = parameters.optionalInteger('limit', { min: 1, max: 200 }) ?? 50;
  const text = parameters.optionalText('query', { max: 200 })?.trim();
  const query: ChatQuery = {
    readableBy: readableBy(operator),
    states: readStates(parameters),
    operatorId: parameters.optionalInteger('operatorId', { min: 1, max: Number.MAX_SAFE_INTEGER }),
    departmentKey: parameters.optionalId('departmentKey'),
    visitorId: parameters.optionalId('visitorId'),
    fromUs: readTime(parameters, 'from'),
    toUs: readTime(parameters, 'to'),
    text: text === '' ? undefined : text,
    beforeId: parameters.optionalInteger('cursor', { min: 1, max: Number.MAX_SAFE_INTEGER }),
    limit,
  };
  const find = () => services.chatSearch.find(query);
  const { rows: chats, hasMore } = await (query.text === undefined ? find() : services.searches.run('operator', String(operator.id), find));
  return { result: 'ok', data: { chats: chats.map(listedChat), cursor: hasMore ? String(chats.at(-1)?.id) : null } };
}

export async function visitorCard(services: Services, operator: Operator, parameters: Parameters): Promise<object> {
  const visitorId = parameters.id('id');
  await refuseUnlessTheirVisitor('GET /l/o/visitor', services, operator, visitorId);
  const found = await services.chatSearch.findVisitor(visitorId);
  if (found === undefined) throw new ChatError('not-found', 'visitor-not-found', 'there is no such visitor');
  const { rows: chats } = await services.chatSearch.find({ readableBy: readableBy(operator), visitorId, limit: CARD_CHATS });
  const { visitor, visits } = found;
  return {
    result: 'ok',
    data: {
      id: visitor.id,
      fields: visitor.fields,
      verified: visitor.verified,
      ban:
        visitor.ban === null
          ? null
          : { until: visitor.ban.untilUs === null ? null : toSeconds(visitor.ban.untilUs), reason: visitor.ban.reason },
      visits: visits.map(({ from, to, ...visit }) => ({ ...visit, fromTs: from.getTime() / 1_000, toTs: to.getTime() / 1_000 })),
      chats: chats.map(listedChat),
    },
  };
}

/** One or several, separated by commas. */
function readStates(parameters: Parameters): readonly ChatState[] | undefined {
  const text = parameters.optionalText('state', { max: 200 });
  if (text === undefined || text === '') return undefined;
  return text.split(',').map(name => {
    const state = STATES.find(known => known === name);
    if (state === undefined) throw wrong('state', `one of ${STATES.join(', ')} is expected`);
    return state;
  });
}

function readTime(parameters: Parameters, name: string): number | undefined {
  const seconds = parameters.optionalInteger(name, { min: 0, max: MAX_SECONDS });
  return seconds === undefined ? undefined : seconds * 1_000_000;
}
