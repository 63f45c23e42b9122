/** Many open chats at once by SQL: as they would be after a busy day, or waiting in the morning. */
import type { TestDatabase } from '../support/database.ts';

/** Of each ten chats this many have an operator; the others wait. */
const TAKEN_OF_TEN = 9;

const NOW_US = '(extract(epoch from now()) * 1000000)::bigint';
/** Within the last minutes, so that no chat has idled for too long. */
const AT_US = `${NOW_US} - 600000000 + i * 1000`;
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
  created_us: AT_US,
  queued_us: AT_US,
  modified_us: AT_US,
  unread_by_operator_since_us: AT_US,
  read_by_operator_us: '0',
  unread_by_visitor_msg_cnt: '0',
  read_by_visitor: 'true',
  page_url: "'https://shop.example.org/catalogue/shoes/' || i || '?utm_source=newsletter&utm_campaign=spring'",
  page_title: "'Shoes for the spring, page ' || i || ' - Example Shop'",
  message_count: '1',
  last_ts_us: AT_US,
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
  await addVisitors(database, chats);
  await database.query(
    `with o as (select id, row_number() over (order by id) - 1 as place, count(*) over () as operators from operator)
     insert into chat (${Object.keys(CHAT).join(', ')})
     select ${Object.values(CHAT).join(', ')} from generate_series(1, $1::bigint) i join o on o.place = (i / 10) % o.operators`,
    [chats],
  );
  await addMessages(database);
  await database.query(
    `update operator set load = held, max_chats = held, status = 'online', status_sort = 'takes', status_us = ${NOW_US}
     from (select operator_id, count(*) as held from chat where operator_id is not null group by 1) c where c.operator_id = operator.id`,
  );
  await database.query('vacuum analyze');
}

/** So many by department; the server gives them to nobody. The operators that are there work in all of these, are online and have no chat. */
export async function seedWaitingChats(database: TestDatabase, chatsOf: ReadonlyMap<string, number>): Promise<void> {
  const columns = { ...CHAT, state: "'queue'", operator_id: 'null', department_key: '$3' };
  let seeded = 0;
  await addVisitors(
    database,
    [...chatsOf.values()].reduce((sum, chats) => sum + chats, 0),
  );
  for (const [key, chats] of chatsOf) {
    await database.query("insert into department (key, name, assignment_mode) values ($1, $1, 'manual')", [key]);
    await database.query(
      `insert into chat (${Object.keys(columns).join(', ')})
       select ${Object.values(columns).join(', ')} from generate_series($1::bigint + 1, $1::bigint + $2::bigint) i`,
      [seeded, chats, key],
    );
    seeded += chats;
  }
  await addMessages(database);
  await database.query(
    `update operator set status = 'online', status_sort = 'takes', status_us = ${NOW_US}, department_keys = to_jsonb($1::text[])`,
    [[...chatsOf.keys()]],
  );
  await database.query('vacuum analyze');
}

async function addVisitors(database: TestDatabase, count: number): Promise<void> {
  await database.query(
    `insert into visitor (id, fields, last_ts_us)
     select md5('visitor' || i), jsonb_build_object('name', 'Guest ' || i), ${AT_US} from generate_series(1, $1::bigint) i`,
    [count],
  );
}

/** The first one of each chat. */
async function addMessages(database: TestDatabase): Promise<void> {
  await database.query(`insert into message (${Object.keys(MESSAGE).join(', ')}) select ${Object.values(MESSAGE).join(', ')} from chat`);
}
