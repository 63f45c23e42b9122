/** What has become of chats and visitors, for those who ask: history rows, bans, time in statuses. */
import type { HistoryRow } from '../domain/chat-history.ts';
import type { BannedVisitor, Bans, ChatHistories, StatusSeconds, StatusTimes } from '../ports.ts';
import type { Database } from './database.ts';
import { knownTo } from './readable.ts';
import { HISTORY } from './tables.ts';

/** Of a chat, the newest ones. */
const MAX_STEPS = 1_000;

export function createHistories(database: Database): ChatHistories {
  return {
    async ofChat(chatId) {
      const rows = await database.query<HistoryRow>(
        `select ${HISTORY.select} from chat_history where chat_id = $1 order by step desc limit ${MAX_STEPS}`,
        [chatId],
      );
      return rows.reverse();
    },
  };
}

export function createBans(database: Database): Bans {
  return {
    list(by, limit) {
      const values: unknown[] = [limit];
      return database.query<BannedVisitor>(
        `select id as "visitorId", fields, ban from visitor where ban is not null
           and (ban->>'untilUs' is null or (ban->>'untilUs')::bigint > extract(epoch from clock_timestamp()) * 1000000)
           ${by === undefined ? '' : `and ${knownTo(by, values)}`}
         order by (ban->>'atUs')::bigint desc limit $1`,
        values,
      );
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
