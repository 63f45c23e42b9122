/** Why this operator, or why the chat still waits: the chat's history with the records of its assignments, and its place now. */
import { unpackRecord } from '../domain/assignment-record.ts';
import { isOpenState, isWaiting } from '../domain/chat.ts';
import type { HistoryRow } from '../domain/chat-history.ts';
import type { Operator } from '../domain/operator.ts';
import { toSeconds, toSecondsOrNull } from '../domain/time.ts';
import { whyWaiting } from '../domain/waiting.ts';
import { listedFields } from '../protocol/operator-objects.ts';
import type { Parameters } from '../protocol/parameters.ts';
import { readableBy, refuseUnlessTheirChat } from './rights.ts';
import type { Services } from './services.ts';

const BANS = 1_000;
/** When, and whose: as `banList` hands it out. */
const BAN_CURSOR = /^\d{1,16}-[\w]{1,100}$/;

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

/** Visitors who are kept out, of those whose chats this operator may read: a page of them. `cursor` is where the next one begins. */
export async function banList({ bans }: Services, operator: Operator, parameters: Parameters): Promise<object> {
  const [atUs, visitorId] = parameters.optionalText('cursor', { max: 120, pattern: BAN_CURSOR })?.split('-') ?? [];
  const before = atUs === undefined || visitorId === undefined ? undefined : { atUs: Number(atUs), visitorId };
  const { rows: list, hasMore } = await bans.list(readableBy(operator), BANS, before);
  const last = list.at(-1);
  return {
    result: 'ok',
    data: {
      bans: list.map(({ visitorId, fields, ban }) => ({
        visitorId,
        fields: listedFields(fields),
        until: ban.untilUs === null ? null : toSeconds(ban.untilUs),
        reason: ban.reason,
        by: ban.by,
        ts: toSeconds(ban.atUs),
      })),
      cursor: hasMore && last !== undefined ? `${last.ban.atUs}-${last.visitorId}` : null,
    },
  };
}
