/** Stored messages, for visitors (both forms of docs/protocol/visitor.md 6) and operators. */
import type { Operator } from '../domain/operator.ts';
import type { Page } from '../domain/visitor.ts';
import { operatorMessage } from '../protocol/operator-objects.ts';
import type { Parameters } from '../protocol/parameters.ts';
import { visitorMessage } from '../protocol/visitor-objects.ts';
import { knownChat } from './readable-chat.ts';
import { refuseUnlessTheirChat } from './rights.ts';
import type { Services } from './services.ts';

const VISITOR_PAGE = 100;
const MAX_US = Number.MAX_SAFE_INTEGER;

/** A page without rows is of a visitor who has said nothing. */
export async function visitorHistory({ messages }: Services, page: Page, parameters: Parameters): Promise<object> {
  const beforeUs = parameters.optionalInteger('before-ts', { min: 0, max: MAX_US });
  const sinceUs = parameters.optionalInteger('since', { min: 0, max: MAX_US });
  if (page.rowless !== undefined) {
    const nothing = { hasMore: false, messages: [] };
    return { result: 'ok', data: beforeUs === undefined ? { revision: String(sinceUs ?? 0), ...nothing } : nothing };
  }
  const query = { visitorId: page.visitorId, limit: VISITOR_PAGE, includeHidden: false };
  if (beforeUs !== undefined) {
    const found = await messages.listHistory({ ...query, beforeUs });
    return { result: 'ok', data: { hasMore: found.hasMore, messages: found.messages.map(m => visitorMessage(m, m.read)) } };
  }
  const found = await messages.listHistory(sinceUs === undefined ? query : { ...query, sinceUs });
  return {
    result: 'ok',
    data: { revision: String(found.revisionUs), hasMore: found.hasMore, messages: found.messages.map(m => visitorMessage(m, m.read)) },
  };
}

/** What he and his operators have said; newest first. `before-ts` of the last one gets what is behind it. */
export async function searchMessages({ messageSearch, searches }: Services, page: Page, parameters: Parameters): Promise<object> {
  const { visitorId } = page;
  const text = parameters.text('query', { max: 200 }).trim();
  const beforeUs = parameters.optionalInteger('before-ts', { min: 0, max: MAX_US });
  const find = () => messageSearch.find({ visitorId, text, beforeUs, limit: VISITOR_PAGE });
  const isEmpty = text === '' || page.rowless !== undefined;
  const { rows, hasMore } = isEmpty ? { rows: [], hasMore: false } : await searches.run('visitor', visitorId, find);
  return { result: 'ok', data: { count: rows.length, items: rows.map(m => visitorMessage(m, m.read)), hasMore } };
}

export async function operatorHistory(services: Services, operator: Operator, parameters: Parameters): Promise<object> {
  const chatId = parameters.key('chatId');
  const beforeUs = parameters.optionalInteger('before-ts', { min: 0, max: MAX_US });
  const limit = parameters.optionalInteger('limit', { min: 1, max: 500 }) ?? 50;
  await refuseUnlessTheirChat('GET /l/o/history', services, operator, chatId);
  const chat = await knownChat(services, chatId);
  const query = { visitorId: chat.visitorId, chatId, limit, includeHidden: true };
  const found = await services.messages.listHistory(beforeUs === undefined ? query : { ...query, beforeUs });
  return { result: 'ok', data: { hasMore: found.hasMore, messages: found.messages.map(m => operatorMessage(m, m.read)) } };
}
