/**
 * A visitor's search through his own messages. On connections of its own (see node/node.ts): however long it takes, those who
 * only read have theirs. Never on the pool of the other reads.
 */
import { PAGE_BYTES } from '../domain/answer-bytes.ts';
import type { MessageSearch, StoredMessage } from '../ports/index.ts';
import type { Database } from './database.ts';
import { READ, SHOWN, TEXT_BYTES } from './messages.ts';
import { cutToBytes, type Measured, pageOf } from './page-bytes.ts';
import { likePattern, searchWithin } from './search-time.ts';
import { MESSAGES } from './tables.ts';

/** A visitor's own messages are few. */
const SEARCH_MS = 2_000;

export function createMessageSearch(searches: Database): MessageSearch {
  return {
    async find({ visitorId, text, beforeUs, limit }) {
      const select = `select ${MESSAGES.select}, ${READ} from message join chat on chat.id = message.chat_id join visitor on visitor.id = message.visitor_id
         where message.visitor_id = $1 and folded(message.text) like '%' || folded($2) || '%' and ${SHOWN} and not message.deleted
           and ($3::bigint is null or message.ts_us < $3)
         order by message.ts_us desc limit ${limit + 1}`;
      const rows = await searchWithin<StoredMessage & Measured>(
        searches,
        SEARCH_MS,
        cutToBytes(select, '"tsUs" desc', PAGE_BYTES, TEXT_BYTES),
        [visitorId, likePattern(text), beforeUs ?? null],
      );
      return pageOf<StoredMessage>(rows, limit);
    },
  };
}
