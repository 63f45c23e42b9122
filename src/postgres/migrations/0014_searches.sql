-- What was said in chats that have ended, as searches compare it, so that a search by words need not read every message.
-- Filled by the master behind the conversation; a message that is written pays nothing for it. It only says where to look:
-- what a search answers is read from the messages. The index is made by the master where the extension pg_trgm can be had.
-- Compatible with the version before, which neither reads nor writes these.
create table searched_chat (
  chat_id bigint primary key,
  -- Of the chat, as it was read: a chat that has gone on since is read again.
  version bigint not null,
  -- Null: longer than is worth it; such a chat is looked at itself.
  text text
);
create index searched_chat_too_long on searched_chat (chat_id) where text is null;

create table search_progress (
  one boolean primary key default true check (one),
  indexed boolean not null default false,
  -- Chats from before below this id are still to be read; null: none.
  older_than bigint,
  -- Chats that have ended before were read.
  read_to_us bigint not null
);
insert into search_progress (older_than, read_to_us)
  values ((select max(id) + 1 from chat), (extract(epoch from clock_timestamp()) * 1000000)::bigint);
