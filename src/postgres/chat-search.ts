/** Chats of any age by what is known of them, newest first, and what is known of a visitor. */
import { PAGE_BYTES } from '../domain/answer-bytes.ts';
import type { Chat, LastMessage } from '../domain/chat.ts';
import { lastMessageOf } from '../domain/state.ts';
import type { Visitor } from '../domain/visitor.ts';
import type { ChatQuery, ChatSearch, Visit } from '../ports/index.ts';
import type { Database } from './database.ts';
import { cutToBytes, type Measured, pageOf } from './page-bytes.ts';
import { knownTo, readable } from './readable.ts';
import { createSearchIndex, LEAST_INDEXED, mayContain } from './search-index.ts';
import { likePattern, searchWithin } from './search-time.ts';
import { CHATS, LAST_MESSAGE, VISITORS } from './tables.ts';

/** Of a visitor's card. */
const VISITS = 20;
const TEXT_SEARCH_MS = 4_000;

/** `searches`: where texts are looked through, apart from all other reads. */
export function createChatSearch(database: Database, searches: Database): ChatSearch {
  const index = createSearchIndex(database);
  return {
    async find(query) {
      const isIndexed = query.text !== undefined && (await index.state()) === 'indexed';
      const { text, values } = statementOf(query, isIndexed);
      const select = cutToBytes(text, 'id desc', PAGE_BYTES);
      type Row = Chat & { lastMessage: LastMessage | null } & Measured;
      const rows =
        query.text === undefined
          ? await database.query<Row>(select, values)
          : await searchWithin<Row>(searches, TEXT_SEARCH_MS, select, values);
      const page = pageOf<Chat>(rows, query.limit);
      return {
        hasMore: page.hasMore,
        rows: page.rows.map(chat => ({ ...chat, lastMessage: chat.lastMessage === null ? null : lastMessageOf(chat.lastMessage) })),
      };
    },

    async mayRead(by, visitorId) {
      const values: unknown[] = [visitorId];
      const rows = await database.query<{ may: boolean }>(
        `select ${by === undefined ? 'true' : knownTo(by, values)} as may from visitor where id = $1`,
        values,
      );
      return rows[0]?.may;
    },

    async findVisitor(visitorId) {
      const [visitor] = await database.query<Visitor>(`select ${VISITORS.select} from visitor where id = $1`, [visitorId]);
      if (visitor === undefined) return undefined;
      const visits = await database.query<Visit>(
        `select visit_session_id as "visitSessionId", min(created_at) as "from", max(seen_at) as "to", count(*)::integer as pages,
           (array_agg(location order by created_at desc))[1] as location, (array_agg(title order by created_at desc))[1] as title,
           (array_agg(url order by created_at desc))[1] as url, (array_agg(platform order by created_at desc))[1] as platform
         from page where visitor_id = $1 group by visit_session_id order by max(seen_at) desc limit ${VISITS}`,
        [visitorId],
      );
      return { visitor, visits };
    },
  };
}

function statementOf(query: ChatQuery, isIndexed: boolean): { readonly text: string; readonly values: unknown[] } {
  const conditions: string[] = [];
  const values: unknown[] = [];
  const where = (condition: string, value: unknown): void => {
    if (value === undefined) return;
    values.push(value);
    conditions.push(condition.replaceAll('?', `$${values.length}`));
  };
  if (query.readableBy !== undefined) conditions.push(readable(query.readableBy, values));
  where('chat.state = any(?::text[])', query.states);
  where('chat.operator_id = ?', query.operatorId);
  where('chat.department_key = ?', query.departmentKey);
  where('chat.visitor_id = ?', query.visitorId);
  where('chat.created_us >= ?', query.fromUs);
  where('chat.created_us < ?', query.toUs);
  where('chat.id < ?', query.beforeId);
  const pattern = query.text === undefined ? undefined : likePattern(query.text);
  if (isIndexed && (query.text ?? '').length >= LEAST_INDEXED) where(mayContain('?'), pattern);
  where(
    `exists (select from message m where m.visitor_id = chat.visitor_id and m.chat_id = chat.id and not m.deleted
       and folded(m.text) like '%' || folded(?) || '%')`,
    pattern,
  );
  const filter = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`;
  return {
    text: `select ${CHATS.select}, m.last as "lastMessage" from chat ${LAST_MESSAGE} ${filter} order by chat.id desc limit ${query.limit + 1}`,
    values,
  };
}
