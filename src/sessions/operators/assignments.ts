/** Why this operator, or why the chat still waits: the chat's history with the records of its assignments, and its place now. */
import { unpackRecord } from '../../domain/assignment-record.ts';
import { isOpenState, isWaiting } from '../../domain/chat.ts';
import type { HistoryRow } from '../../domain/chat-history.ts';
import type { Operator } from '../../domain/operator.ts';
import { toSeconds, toSecondsOrNull } from '../../domain/time.ts';
import { whyWaiting } from '../../domain/waiting.ts';
import type { Parameters } from '../../protocol/parameters.ts';
import { refuseUnlessTheirChat } from './rights.ts';
import type { Services } from '../services.ts';

export async function chatAssignments(services: Services, operator: Operator, parameters: Parameters): Promise<object> {
  const { replica, feed, histories, waiting, rules, nowUs } = services;
  const chatId = parameters.key('chatId');
  await refuseUnlessTheirChat('GET /l/o/assignments', services, operator, chatId);
  const beforeStep = parameters.optionalInteger('cursor', { min: 1, max: Number.MAX_SAFE_INTEGER });
  const { rows: history, hasMore } = await histories.ofChat(chatId, beforeStep);
  // What is stored and what is computed must be of one time: this node may be a moment behind the database.
  const newest = history.at(-1);
  const known = replica.chats.get(chatId);
  if (newest !== undefined && (known === undefined ? isOpenState(newest.state) : known.version < newest.step)) await feed.catchUp();
  const chat = replica.chats.get(chatId);
  const why = chat === undefined ? undefined : whyWaiting(chat, replica.operators, rules.assignment, nowUs());
  const place = chat !== undefined && isWaiting(chat) ? waiting.queues.ahead(chat) + 1 : undefined;
  return {
    result: 'ok',
    data: {
      chatId,
      history: history.map(historyObject),
      /** Of the older part. */
      cursor: hasMore ? String(history[0]?.step) : null,
      waiting:
        why === undefined
          ? null
          : {
              why: why.why,
              position: place,
              operators: why.operators.map(({ declinedUs, ...one }) => ({ ...one, declinedTs: toSecondsOrNull(declinedUs) })),
              removed: why.removed,
            },
    },
  };
}

function historyObject({ atUs, move, state, operatorId, assignedOperatorId, departmentKey, by, override, record }: HistoryRow): object {
  return {
    ts: toSeconds(atUs),
    move,
    state,
    operatorId,
    assignedOperatorId,
    departmentKey,
    by,
    override,
    ...(move === 'withdrawn' ? { record: null, because: record } : { record: record === null ? null : unpackRecord(record) }),
  };
}
