/** What an operator sees: the full update, and the view that polls and WebSockets stream from. */
import { canSee, topicsOfOperator } from '../domain/audience.ts';
import { ownerOf } from '../domain/chat.ts';
import { ChatError } from '../domain/error.ts';
import type { Operator } from '../domain/operator.ts';
import { toSeconds } from '../domain/time.ts';
import { fullUpdateFrame } from '../protocol/delta.ts';
import { operatorChat, operatorObject } from '../protocol/operator-objects.ts';
import { chatMessages } from './renderings.ts';
import type { Services } from './services.ts';
import type { Resync, StreamView } from './stream.ts';

export function operatorView(services: Services, operatorId: number): StreamView {
  return {
    get topics() {
      return topicsOfOperator(getOperator(services, operatorId));
    },
    fullUpdate: resync => operatorFullUpdate(services, operatorId, resync),
    derivedSince: since => services.derived.operatorsSince(since),
  };
}

async function operatorFullUpdate(
  services: Services,
  operatorId: number,
  resync: Resync | undefined,
): Promise<{ revision: number; frame: string }> {
  const { hub, replica, derived, messages, statuses, limits, rules } = services;
  const operator = getOperator(services, operatorId);
  // Everything as of this revision; texts newer than a chat's header are left out.
  const revision = hub.revision;
  const visible = [...replica.chats.values()].filter(chat => canSee(operator, chat));
  const operators = [...replica.operators.values()].filter(colleague => !colleague.disabled);
  const head = {
    operator: operatorObject(operator, limits.defaultMaxChats),
    operators: operators.map(colleague => operatorObject(colleague, limits.defaultMaxChats)),
    departments: derived.departmentsForOperators(),
    statuses,
    subjects: rules.subjects,
    serverTs: toSeconds(services.nowUs()),
    limits: { maxMessageLength: limits.maxMessageLength, maxFileSize: limits.maxFileBytes, maxChats: limits.defaultMaxChats },
  };
  const chats = await Promise.all(
    visible.map(async chat => operatorChat(chat, ownerOf(chat) === operatorId ? await chatMessages(messages, chat) : undefined)),
  );
  return { revision, frame: fullUpdateFrame(revision, JSON.stringify({ ...head, chats }), resync) };
}

function getOperator({ replica }: Services, operatorId: number): Operator {
  const operator = replica.operators.get(operatorId);
  if (operator === undefined) throw new ChatError('unauthenticated', 'unauthorized', 'this operator does not exist any more');
  return operator;
}
