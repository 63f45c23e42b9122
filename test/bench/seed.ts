/** Many open chats at once by SQL, as they would be after a busy day. */
import type { TestDatabase } from '../support/database.ts';

/** Of each ten chats this many have an operator; the others wait. */
const TAKEN_OF_TEN = 9;

const NOW_US = '1700000000000000 + i * 1000';
const OPERATOR = `case when i % 10 < ${TAKEN_OF_TEN} then o.id end`;

/** SQL by column: what a chat's row needs, for the i-th visitor and the operator o. Columns with defaults are left out. */
const CHAT: Readonly<Record<string, string>> = {
  id: "nextval('chat_id')",
  client_side_id: "md5('chat' || i)",
  visitor_id: "md5('visitor' || i)",
  visitor_fields: `jsonb_build_object('name', 'Guest ' || i, 'email', 'guest' || i || '@example.org', 'phone', '+10000' || i)`,
  channel: "'web'",
  visit_session_id: "md5('session' || i)",
  state: `case when i % 10 < ${TAKEN_OF_TEN} then 'chatting' else 'queue' end`,
  operator_id: OPERATOR,
  lang: "'en'",
  location: "'default'",
  offline: 'false',
  created_us: NOW_US,
  queued_us: NOW_US,
  modified_us: NOW_US,
  unread_by_operator_since_us: NOW_US,
  read_by_operator_us: '0',
  unread_by_visitor_msg_cnt: '0',
  read_by_visitor: 'true',
  page_url: "'https://shop.example.org/catalogue/shoes/' || i || '?utm_source=newsletter&utm_campaign=spring'",
  page_title: "'Shoes for the spring, page ' || i || ' - Example Shop'",
  message_count: '1',
  last_ts_us: NOW_US,
};

const MESSAGE: Readonly<Record<string, string>> = {
  visitor_id: 'chat.visitor_id',
  ts_us: 'chat.last_ts_us',
  id: "lpad(to_hex(chat.last_ts_us), 16, '0') || left(md5('nonce' || chat.id), 16)",
  chat_id: 'chat.id',
  visit_session_id: 'chat.visit_session_id',
  sender: "'v:' || chat.visitor_id",
  client_side_id: "md5('message' || chat.id)",
  kind: "'visitor'",
  name: "chat.visitor_fields ->> 'name'",
  text: "rpad('Hello, I ordered a pair of shoes last week and the parcel still has not arrived ' || chat.id, 150, '.')",
  changed_us: 'chat.last_ts_us',
  edited: 'false',
};

/** The operators that are there get 9 of 10 chats between them, are full and online. */
export async function seedOpenChats(database: TestDatabase, chats: number): Promise<void> {
  await database.query(
    `insert into visitor (id, fields, last_ts_us)
     select md5('visitor' || i), jsonb_build_object('name', 'Guest ' || i), ${NOW_US} from generate_series(1, $1::bigint) i`,
    [chats],
  );
  await database.query(
    `with o as (select id, row_number() over (order by id) - 1 as place, count(*) over () as operators from operator)
     insert into chat (${Object.keys(CHAT).join(', ')})
     select ${Object.values(CHAT).join(', ')} from generate_series(1, $1::bigint) i join o on o.place = (i / 10) % o.operators`,
    [chats],
  );
  await database.query(`insert into message (${Object.keys(MESSAGE).join(', ')}) select ${Object.values(MESSAGE).join(', ')} from chat`);
  await database.query(
    `update operator set load = held, max_chats = held, status = 'online', status_sort = 'takes'
     from (select operator_id, count(*) as held from chat where operator_id is not null group by 1) c where c.operator_id = operator.id`,
  );
  await database.query('vacuum analyze');
}
