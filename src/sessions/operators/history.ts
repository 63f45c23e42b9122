/** The stored messages of a chat, for an operator who may read it. */
import type { Operator } from '../../domain/operator.ts';
import { operatorMessage } from '../../protocol/operator-objects.ts';
import type { Parameters } from '../../protocol/parameters.ts';
import type { Services } from '../services.ts';
import { knownChat } from './readable-chat.ts';
import { refuseUnlessTheirChat } from './rights.ts';

const MAX_US = Number.MAX_SAFE_INTEGER;

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
