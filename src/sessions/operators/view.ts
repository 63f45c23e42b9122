/**
 * What an operator sees: the full update, what it has no room for, and the view that polls and WebSockets stream from. A full
 * update is bounded whatever waits: his own chats come with their messages, of the others the oldest, about PAGE_BYTES.
 */
import { CHAT_BYTES, PAGE_BYTES } from '../../domain/answer-bytes.ts';
import { canSee, topicsOfOperator } from '../../domain/audience.ts';
import { type Chat, ownerOf } from '../../domain/chat.ts';
import { ChatError } from '../../domain/error.ts';
import type { Operator } from '../../domain/operator.ts';
import { toSeconds } from '../../domain/time.ts';
import { fullUpdateFrame } from '../../protocol/delta.ts';
import { listedChat, operatorChat, operatorObject } from '../../protocol/operator-objects.ts';
import type { Parameters } from '../../protocol/parameters.ts';
import { chatMessages } from '../../delivery/renderings.ts';
import { readSince, resumePoint } from '../../delivery/resume.ts';
import type { Services } from '../services.ts';
import type { Resync, StreamView } from '../../delivery/stream.ts';

/** Of the messages of each own chat, however many he has. */
const MIN_CHAT_BYTES = 16_384;

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
  const { hub, derived, messages, statuses, limits, rules, replica } = services;
  const operator = getOperator(services, operatorId);
  // Everything as of this revision; texts newer than a chat's header are left out.
  const revision = hub.revision;
  const [own, others] = chatsSeenBy(services, operator);
  const operators = [...replica.operators.values()].filter(colleague => !colleague.disabled);
  const waiting = pageOfChats(others, 0);
  const head = {
    operator: operatorObject(operator, limits.defaultMaxChats),
    operators: operators.map(colleague => operatorObject(colleague, limits.defaultMaxChats)),
    departments: derived.departmentsForOperators(),
    statuses,
    subjects: rules.subjects,
    serverTs: toSeconds(services.nowUs()),
    limits: { maxMessageLength: limits.maxMessageLength, maxFileSize: limits.maxFileBytes, maxChats: limits.defaultMaxChats },
    chatsCursor: waiting.cursor,
  };
  const bytesEach = Math.max(MIN_CHAT_BYTES, Math.min(CHAT_BYTES, PAGE_BYTES / own.length));
  const ownChats = await Promise.all(
    own.map(async chat => JSON.stringify(operatorChat(chat, await chatMessages(messages, chat, Math.floor(bytesEach))))),
  );
  const chats = `"chats":[${[...ownChats, ...waiting.chats].join(',')}]`;
  return { revision, frame: fullUpdateFrame(revision, `${JSON.stringify(head).slice(0, -1)},${chats}}`, resync) };
}

/**
 * Chats that the full update had no room for: those behind `cursor`, in the order of their ids, as of a revision that is not older than
 * `since`. What has come and gone meanwhile is told by deltas. JSON text.
 */
export async function operatorQueue(services: Services, operatorId: number, parameters: Parameters): Promise<string> {
  const cursor = parameters.optionalInteger('cursor', { min: 0, max: Number.MAX_SAFE_INTEGER }) ?? 0;
  const { resync } = await resumePoint(services, readSince(parameters));
  if (resync === 'ahead') throw new ChatError('unavailable', 'server-not-ready', 'this node is behind that revision');
  const [, others] = chatsSeenBy(services, getOperator(services, operatorId));
  const page = pageOfChats(others, cursor);
  const { revision } = services.hub;
  return `{"result":"ok","data":{"revision":"${revision}","chats":[${page.chats.join(',')}],"cursor":${JSON.stringify(page.cursor)}}}`;
}

/** His own and those assigned to him; the others, oldest first. */
function chatsSeenBy({ replica }: Services, operator: Operator): readonly [Chat[], Chat[]] {
  const own: Chat[] = [];
  const others: Chat[] = [];
  for (const chat of replica.chats.values()) if (canSee(operator, chat)) (ownerOf(chat) === operator.id ? own : others).push(chat);
  return [own, others.sort((a, b) => a.id - b.id)];
}

/** As JSON texts. By id, which never changes: whatever moves between two pages, none is passed over. `cursor` null: these are the last. */
function pageOfChats(sorted: readonly Chat[], after: number): { readonly chats: readonly string[]; readonly cursor: string | null } {
  const chats: string[] = [];
  let bytes = 0;
  let last = after;
  for (const chat of sorted) {
    if (chat.id <= after) continue;
    const json = JSON.stringify(listedChat(chat));
    bytes += Buffer.byteLength(json);
    if (bytes > PAGE_BYTES && chats.length > 0) return { chats, cursor: String(last) };
    chats.push(json);
    last = chat.id;
  }
  return { chats, cursor: null };
}

function getOperator({ replica }: Services, operatorId: number): Operator {
  const operator = replica.operators.get(operatorId);
  if (operator === undefined) throw new ChatError('unauthenticated', 'unauthorized', 'this operator does not exist any more');
  return operator;
}
