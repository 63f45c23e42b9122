/** A visitor's stored messages, in both forms of docs/protocol/visitor.md 6, and a search through them. */
import type { Page } from '../../domain/visitor.ts';
import type { Parameters } from '../../protocol/parameters.ts';
import { visitorMessage } from '../../protocol/visitor-objects.ts';
import type { Services } from '../services.ts';

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
