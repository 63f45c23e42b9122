/** Message texts, read on demand: the hot state holds chat headers only. */
import { PAGE_BYTES } from '../domain/answer-bytes.ts';
import type { Chat } from '../domain/chat.ts';
import { SHOWN_KINDS } from '../domain/message.ts';
import type { LastChat } from '../ports/index.ts';
import type { ChatMessagesWanted, HistoryPage, HistoryQuery, Messages, StoredMessage } from '../ports/index.ts';
import type { Database } from './database.ts';
import { Gather } from './gather.ts';
import { cutToBytes, type Measured, pageOf } from './page-bytes.ts';
import { CHATS, IS_OPEN, MESSAGES } from './tables.ts';

/** Chats in one statement: as many as 16 MiB of messages at most. */
const CHATS_AT_ONCE = 64;

/** Known of a packed text too. */
export const TEXT_BYTES = 'octet_length(found.text)';

export const READ = "(message.sender like 'v:%' and message.ts_us <= chat.read_by_operator_us) as read";

/** The visitor's clock: of his open chat while he has one. */
const VISITOR_REVISION = `coalesce((select open.last_ts_us from chat open where open.visitor_id = visitor.id and ${IS_OPEN}), visitor.last_ts_us)`;

/** To the visitor. */
export const SHOWN = `message.kind in (${SHOWN_KINDS.map(kind => `'${kind}'`).join(', ')}) and message.ts_us > visitor.cleared_us`;

export function createMessages(database: Database): Messages {
  const ofChats = new Gather<ChatMessagesWanted, readonly StoredMessage[]>(wanted => listOfChats(database, wanted), CHATS_AT_ONCE);
  const lastChats = new Gather<string, LastChat | undefined>(visitorIds => findLastChats(database, visitorIds));
  return {
    listOfChat: wanted => ofChats.load(wanted),
    listHistory: query => listHistory(database, query),
    async findChat(chatId) {
      const rows = await database.query<Chat>(`select ${CHATS.select}, null as "lastMessage" from chat where id = $1`, [chatId]);
      return rows[0];
    },
    findLastChat: visitorId => lastChats.load(visitorId),
  };
}

async function findLastChats(database: Database, visitorIds: readonly string[]): Promise<(LastChat | undefined)[]> {
  const rows = await database.query<LastChat & { visitorId: string }>(
    `select v.id as "visitorId", c.id, c.state, c.operator_id as "operatorId", c.department_key as "departmentKey", c.modified_us as "modifiedUs" from unnest($1::text[]) v(id),
       lateral (select * from chat where chat.visitor_id = v.id order by chat.id desc limit 1) c`,
    [[...new Set(visitorIds)]],
    'last-chats',
  );
  const byVisitor = new Map(rows.map(({ visitorId, ...chat }) => [visitorId, chat]));
  return visitorIds.map(id => byVisitor.get(id));
}

const NEWEST_OF_CHAT = cutToBytes(
  `select ${MESSAGES.select}, ${READ} from message
   where message.visitor_id = w.visitor_id and message.chat_id = w.chat_id and message.ts_us <= w.up_to_us
   order by message.ts_us desc limit w.max_rows`,
  '"tsUs" desc',
  'w.max_bytes',
  TEXT_BYTES,
);

async function listOfChats(database: Database, wanted: readonly ChatMessagesWanted[]): Promise<StoredMessage[][]> {
  const rows = await database.query<{ place: number; message: StoredMessage & Measured }>(
    `select w.place::integer as place, to_jsonb(m) as message
     from unnest($1::bigint[], $2::text[], $3::bigint[], $4::integer[], $5::bigint[])
       with ordinality w(chat_id, visitor_id, up_to_us, max_rows, max_bytes, place)
     join chat on chat.id = w.chat_id,
     lateral (${NEWEST_OF_CHAT}) m
     order by w.place, m."tsUs"`,
    [
      wanted.map(w => w.chatId),
      wanted.map(w => w.visitorId),
      wanted.map(w => w.upToUs),
      wanted.map(w => w.limit),
      wanted.map(w => w.bytes),
    ],
    'list-of-chats',
  );
  const lists = wanted.map((): StoredMessage[] => []);
  for (const { place, message } of rows) lists[place - 1]?.push(...pageOf([message]).rows);
  return lists;
}

async function listHistory(database: Database, query: HistoryQuery): Promise<HistoryPage> {
  const { visitorId, chatId, sinceUs, beforeUs, limit, includeHidden } = query;
  const forward = sinceUs !== undefined;
  const conditions = ['message.visitor_id = $1'];
  const values: unknown[] = [visitorId];
  const where = (text: string, value: unknown): void => {
    values.push(value);
    conditions.push(text.replaceAll('?', `$${values.length}`));
  };
  if (chatId !== undefined) where('message.chat_id = ?', chatId);
  if (forward) where('(message.ts_us > ? or (message.changed_us <> message.ts_us and message.changed_us > ?))', sinceUs);
  if (beforeUs !== undefined) where('message.ts_us < ?', beforeUs);
  if (!includeHidden) conditions.push(SHOWN);
  // Who asks for what is new must forget what was deleted; who asks for what is old never knew it.
  if (!forward) conditions.push('not message.deleted');
  const select = `select ${MESSAGES.select}, ${READ}, ${VISITOR_REVISION} as "visitorRevisionUs"
     from message join chat on chat.id = message.chat_id join visitor on visitor.id = message.visitor_id
     where ${conditions.join(' and ')}
     order by ${forward ? 'message.changed_us' : 'message.ts_us desc'} limit ${limit + 1}`;
  const rows = await database.query<StoredMessage & { visitorRevisionUs: number } & Measured>(
    cutToBytes(select, forward ? '"changedUs"' : '"tsUs" desc', PAGE_BYTES, TEXT_BYTES),
    values,
  );
  const { rows: found, hasMore } = pageOf<StoredMessage & { visitorRevisionUs: number }>(rows, limit);
  const page = found.map(({ visitorRevisionUs: _, ...message }) => message);
  // Going forward the revision is the last change handed out; else everything newer than the page is known with it.
  const revisionUs = forward ? (page.at(-1)?.changedUs ?? sinceUs) : (found[0]?.visitorRevisionUs ?? 0);
  return { hasMore, messages: forward ? page.sort((a, b) => a.tsUs - b.tsUs) : page.reverse(), revisionUs };
}
