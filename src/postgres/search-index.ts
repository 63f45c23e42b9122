/**
 * Where words were said: the texts of chats that have ended, kept apart from the messages behind a trigram index. The
 * master's job fills it (jobs/search-index.ts), searches of operators look through it (chat-search.ts). Never part of a
 * commit of messages: an index on each of them made a batch of twenty 1.7 times as slow, and the flush of its list 240 ms long.
 */
import type pg from 'pg';
import type { SearchIndex } from '../ports/index.ts';
import type { Database } from './database.ts';
import { sqlState } from './failures.ts';
import { IS_OPEN } from './tables.ts';
import { underLease } from './under-lease.ts';

/** Read in one transaction, which holds the lease's row: a beat waits for it. */
const CHATS = 25;
/** Of a chat. A longer one is looked at itself. */
const TEXT_CHARACTERS = 200_000;
/** Steps of chats get their times before they are committed, on clocks that differ by some ms. */
const LATE_US = 60_000_000;

/** No extension of this name here, or not for this role. */
const NOT_TO_BE_HAD = new Set(['0A000', '42501', '58P01', '42704']);

/** A search by fewer characters finds nothing in an index of threes. */
export const LEAST_INDEXED = 3;

export function createSearchIndex(database: Database): SearchIndex {
  return {
    async prepare() {
      try {
        await database.query('create extension if not exists pg_trgm');
        await database.query('create index if not exists searched_chat_text on searched_chat using gin (text gin_trgm_ops)');
      } catch (error) {
        if (!NOT_TO_BE_HAD.has(sqlState(error))) throw error;
        return error instanceof Error ? error.message : String(error);
      }
      await database.query('update search_progress set indexed = true where not indexed');
      return undefined;
    },

    async readSome(leaseToken) {
      return underLease(database, leaseToken, async client => {
        const older = await readOlder(client);
        const ended = await readEnded(client);
        return { chats: older + ended, complete: older < CHATS && ended < CHATS };
      });
    },

    async state() {
      const [progress] = await database.query<{ state: 'indexed' | 'reading' | 'not-indexed' }>(
        `select case when not indexed then 'not-indexed' when older_than is null then 'indexed' else 'reading' end as state from search_progress`,
      );
      return progress?.state ?? 'not-indexed';
    },
  };
}

/**
 * A condition on rows of `chat`: the pattern may occur in it. False only where it does not: what the index does not know
 * yet (chats that are open, that have just ended, that are too long) is left to be looked at.
 */
export function mayContain(pattern: string): string {
  return `chat.id in (
    select chat_id from searched_chat where text like '%' || folded(${pattern}) || '%'
    union all select chat_id from searched_chat where text is null
    union all select id from chat where ${IS_OPEN}
    union all select chat_id from chat_history where at_us >= (select read_to_us - ${LATE_US} from search_progress))`;
}

/** Chats from before there was this table, newest first. */
async function readOlder(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ id: number }>(
    `select id from chat where id < (select older_than from search_progress) order by id desc limit ${CHATS}`,
  );
  const ids = rows.map(({ id }) => id);
  await write(client, ids);
  await client.query('update search_progress set older_than = $1 where older_than is not null', [
    ids.length < CHATS ? null : Math.min(...ids),
  ]);
  return ids.length;
}

/** Chats that have ended since the last look. */
async function readEnded(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ id: number; atUs: number }>(
    `with progress as (select read_to_us - ${LATE_US} as from_us from search_progress)
     select chat.id, max(h.at_us) as "atUs"
     from (select chat_id, at_us from chat_history where at_us >= (select from_us from progress)) h
       join chat on chat.id = h.chat_id left join searched_chat s on s.chat_id = chat.id
     where not (${IS_OPEN}) and s.version is distinct from chat.version
     group by chat.id order by 2 limit ${CHATS}`,
  );
  await write(
    client,
    rows.map(({ id }) => id),
  );
  // With some left, those behind the last one are to be found again.
  const last = rows.length < CHATS ? undefined : rows.at(-1)?.atUs;
  await client.query(
    'update search_progress set read_to_us = greatest(read_to_us, coalesce($1, (extract(epoch from clock_timestamp()) * 1000000)::bigint))',
    [last ?? null],
  );
  return rows.length;
}

async function write(client: pg.ClientBase, chatIds: readonly number[]): Promise<void> {
  if (chatIds.length === 0) return;
  await client.query(
    `insert into searched_chat (chat_id, version, text)
     select chat.id, chat.version, case when said.characters <= ${TEXT_CHARACTERS} then said.text end from chat
       left join lateral (select coalesce(string_agg(folded(m.text), E'\\n' order by m.ts_us), '') as text, coalesce(sum(length(m.text)), 0) as characters from message m
         where m.visitor_id = chat.visitor_id and m.chat_id = chat.id and not m.deleted) said on true
     where chat.id = any($1::bigint[]) and not (${IS_OPEN})
     on conflict (chat_id) do update set version = excluded.version, text = excluded.text`,
    [chatIds],
  );
}
