/** Stored messages, for visitors (both forms of docs/protocol/visitor.md 6) and operators. */
import { canSee } from '../domain/audience.ts';
import type { Chat } from '../domain/chat.ts';
import { ChatError } from '../domain/error.ts';
import { isAdmin, type Operator, worksIn } from '../domain/operator.ts';
import type { Page } from '../domain/visitor.ts';
import { operatorMessage } from '../protocol/operator-objects.ts';
import type { Parameters } from '../protocol/parameters.ts';
import { visitorMessage } from '../protocol/visitor-objects.ts';
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

/** What he and his operators have said; newest first. */
export async function searchMessages({ messages }: Services, page: Page, parameters: Parameters): Promise<object> {
  const text = parameters.text('query', { max: 200 }).trim();
  const found =
    text === '' || page.rowless !== undefined ? [] : await messages.search({ visitorId: page.visitorId, text, limit: VISITOR_PAGE });
  return { result: 'ok', data: { count: found.length, items: found.map(m => visitorMessage(m, m.read)) } };
}

export async function operatorHistory(services: Services, operator: Operator, parameters: Parameters): Promise<object> {
  const chatId = parameters.key('chatId');
  const beforeUs = parameters.optionalInteger('before-ts', { min: 0, max: MAX_US });
  const limit = parameters.optionalInteger('limit', { min: 1, max: 500 }) ?? 50;
  const chat = await readableChat(services, operator, chatId);
  const query = { visitorId: chat.visitorId, chatId, limit, includeHidden: true };
  const found = await services.messages.listHistory(beforeUs === undefined ? query : { ...query, beforeUs });
  return { result: 'ok', data: { hasMore: found.hasMore, messages: found.messages.map(m => operatorMessage(m, m.read)) } };
}

/** An open or closed chat whose texts this operator may see. Throws ChatError. */
export async function readableChat({ messages, replica }: Services, operator: Operator, chatId: number): Promise<Chat> {
  const chat = replica.chats.get(chatId) ?? (await messages.findChat(chatId));
  if (chat === undefined) throw new ChatError('not-found', 'chat-not-found', `there is no chat ${chatId}`);
  const mayRead = isAdmin(operator) || chat.operatorId === operator.id || canSee(operator, chat) || worksIn(operator, chat.departmentKey);
  if (!mayRead) throw new ChatError('forbidden', 'not-allowed', 'this chat is of another department');
  return chat;
}
