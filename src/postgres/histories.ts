/** What has become of chats and visitors, for those who ask: history rows, bans, time in statuses. */
import { PAGE_BYTES } from '../domain/answer-bytes.ts';
import type { HistoryRow } from '../domain/chat-history.ts';
import type { BannedVisitor, Bans, ChatHistories, StatusSeconds, StatusTimes } from '../ports/index.ts';
import type { Database } from './database.ts';
import { cutToBytes, type Measured, pageOf } from './page-bytes.ts';
import { knownTo } from './readable.ts';
import { HISTORY } from './tables.ts';

/** Of a chat, in one page. */
const MAX_STEPS = 1_000;

export function createHistories(database: Database): ChatHistories {
  return {
    async ofChat(chatId, beforeStep) {
      const select = `select ${HISTORY.select} from chat_history where chat_id = $1 and ($2::bigint is null or step < $2)
        order by step desc limit ${MAX_STEPS + 1}`;
      const rows = await database.query<HistoryRow & Measured>(cutToBytes(select, 'step desc', PAGE_BYTES), [chatId, beforeStep ?? null]);
      const page = pageOf<HistoryRow>(rows, MAX_STEPS);
      return { ...page, rows: page.rows.reverse() };
    },
  };
}

export function createBans(database: Database): Bans {
  return {
    async list(by, limit, before) {
      const values: unknown[] = [before?.atUs ?? null, before?.visitorId ?? null];
      const select = `select id as "visitorId", fields, ban, (ban->>'atUs')::bigint as "atUs" from visitor where ban is not null
           and (ban->>'untilUs' is null or (ban->>'untilUs')::bigint > extract(epoch from clock_timestamp()) * 1000000)
           and ($1::bigint is null or ((ban->>'atUs')::bigint, id) < ($1, $2))
           ${by === undefined ? '' : `and ${knownTo(by, values)}`}
         order by (ban->>'atUs')::bigint desc, id desc limit ${limit + 1}`;
      const rows = await database.query<BannedVisitor & Measured>(cutToBytes(select, '"atUs" desc, "visitorId" desc', PAGE_BYTES), values);
      return pageOf<BannedVisitor>(rows, limit);
    },
  };
}

export function createStatusTimes(database: Database): StatusTimes {
  return {
    secondsOf: (operatorId, fromUs, toUs) =>
      database.query<StatusSeconds>(
        `select status, sum(greatest(0, least(to_us, $3) - greatest(from_us, $2)))::float8 / 1000000 as seconds
         from (select status, from_us, to_us from operator_status_time where operator_id = $1 and to_us > $2
               union all select status, status_us, clock_us() from operator where id = $1) t
         where from_us < $3 group by status order by status`,
        [operatorId, fromUs, toUs],
      ),
  };
}
