-- Up Migration
-- Files that visitors and operators send, stored in pieces. A file is found as long as its message (sender and
-- client_side_id) is there and not deleted. And by which service an app can be reached,
-- and when it was last heard of.

create table file (
  guid text collate "C" primary key,
  visitor_id text collate "C" not null,
  sender text collate "C" not null,
  client_side_id text collate "C" not null,
  filename text not null,
  content_type text not null,
  client_content_type text not null,
  size bigint not null,
  width integer,
  height integer,
  thumbnail_type text,
  thumbnail bytea,
  created_at timestamptz not null default clock_timestamp()
);
create index file_of_visitor on file (visitor_id);

create table file_piece (
  guid text collate "C" not null references file on delete cascade,
  number integer not null,
  content bytea not null,
  primary key (guid, number)
);
-- Pictures and archives do not get smaller.
alter table file_piece alter column content set storage external;

alter table page add column push_service text not null default '', add column seen_at timestamptz not null default clock_timestamp();
create index page_of_visit_session on page (visit_session_id, seen_at);
create index page_pushed on page (visitor_id) where ended_at is null and push_token is not null;
