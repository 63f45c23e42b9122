-- Up Migration
-- Who is given which chat and why, who is there, and the life of a chat: states, history, presence, working hours, bans.

alter table visitor add column last_operator_id bigint, add column ban jsonb;
create index visitor_banned on visitor (id) where ban is not null;

-- Of the site's page that he is on.
alter table page add column url text not null default '';
create index page_of_visitor on page (visitor_id, seen_at);

alter table department add column assignment_mode text, add column schedule jsonb;

alter table operator add column load_us bigint not null default 0, add column priorities jsonb not null default '{}', add column schedule jsonb;

alter table chat
  add column declined jsonb not null default '[]',
  add column last_operator_id bigint,
  add column head_start_seconds integer not null default 0,
  add column category text;

-- Chats that stand together are often changed by one batch: with room for each of them no index entry is written (at 70 % half of
-- 10,000 assignments wrote all of them).
alter table chat set (fillfactor = 50);

-- A chat on hold, an invitation and a robot's chat are open too.
drop index chat_open;
create unique index chat_open on chat (visitor_id)
  where state in ('queue', 'chatting', 'hold', 'invitation', 'chatting_with_robot', 'routing');

-- Every step of a chat's life. `record`: of an assignment, why this operator (src/domain/assignment-record.ts).
create table chat_history (
  chat_id bigint not null,
  step bigint not null,
  at_us bigint not null,
  move text not null,
  state text not null,
  operator_id bigint,
  assigned_operator_id bigint,
  department_key text,
  by bigint,
  override boolean not null,
  record text,
  primary key (chat_id, step)
);
create index chat_history_at on chat_history using brin (at_us);

-- How long each operator was in each status, once it is over.
create table operator_status_time (
  operator_id bigint not null,
  status text not null,
  sort text not null,
  from_us bigint not null,
  to_us bigint not null
);
create index operator_status_time_of on operator_status_time (operator_id, to_us);

-- To which runs of which nodes an operator is connected; gone_at: since when he is not any more.
create table operator_presence (
  operator_id bigint not null,
  incarnation uuid not null,
  gone_at timestamptz,
  primary key (operator_id, incarnation)
) with (fillfactor = 70);

-- Does what this node says of its clients still count? Longer than is_alive(): nobody is sent away because of a pause.
create function is_present(n node) returns boolean language sql stable as
  $$ select n.heartbeat_at > clock_timestamp() - interval '5 seconds' $$;

-- A text as searches compare it, in whatever case and language: C and C.UTF-8, which databases are often made with, know A to Z only.
do $$
declare
  -- In a database of another encoding there is none.
  v_collation text := (select collname from pg_collation where collname in ('und-x-icu', 'pg_unicode_fast', 'pg_c_utf8')
                         and getdatabaseencoding() = 'UTF8' order by collname desc limit 1);
begin
  execute format('create function folded(t text) returns text language sql immutable parallel safe as $f$ select lower(t %s) $f$',
                 case when v_collation is null then '' else format('collate %I', v_collation) end);
end $$;

-- Chats of an operator, and of a department, newest first.
create index chat_of_operator on chat (operator_id, id) where operator_id is not null;
create index chat_of_department on chat (department_key, id);
