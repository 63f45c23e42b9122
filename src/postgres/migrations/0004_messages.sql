-- Up Migration
-- The life of a message after it was sent: deleted, quoted, reacted to; ratings; a history that its visitor has cleared. And who a visitor is, as
-- the customer's site or backend says.

alter table message
  add column deleted boolean not null default false,
  add column quote jsonb,
  add column reaction text;

-- Whatever was changed later than it was sent, not only what was edited.
drop index message_edited;
create index message_changed_later on message (visitor_id, changed_us) where changed_us <> ts_us;

alter table chat add column ratings jsonb not null default '{}', add column survey jsonb;
alter table visitor add column cleared_us bigint not null default 0;

-- A customer's own id of a visitor: on whatever device he signs in, he is the same.
create table provided_visitor (
  provided_id text collate "C" primary key,
  visitor_id text collate "C" not null,
  created_at timestamptz not null default clock_timestamp()
);

-- Tokens that the customer's backend has vouched for; only their hashes.
create table provided_token (
  token_hash text collate "C" primary key,
  fields jsonb not null,
  provided_at timestamptz not null default clock_timestamp()
);
