-- Up Migration
-- The first schema. Times named *_us are microseconds since 1970 by this database's clock. Hot tables carry no
-- foreign keys: their key-share locks would break the order in which a batch locks rows (visitor, chat, operator,
-- department).

create table installation (
  only_row boolean primary key default true check (only_row),
  id uuid not null default gen_random_uuid(),
  -- Page tokens and later link signatures are derived from this, so that every node can check them.
  secret text not null default encode(sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')), 'hex'),
  epoch bigint not null default 1,
  timeline text not null default left(pg_walfile_name(pg_current_wal_lsn()), 8)
);
insert into installation default values;

create table visitor (
  id text primary key,
  fields jsonb not null,
  last_ts_us bigint not null,
  created_at timestamptz not null default clock_timestamp()
) with (fillfactor = 70);

create table visit_session (
  id text primary key,
  visitor_id text not null,
  created_at timestamptz not null default clock_timestamp()
);

create table page (
  id text primary key,
  visitor_id text not null,
  visit_session_id text not null,
  location text not null,
  title text not null,
  platform text not null,
  device_id text not null,
  push_token text,
  created_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz
);
create index page_live_device on page (visitor_id, device_id) where ended_at is null;

create table department (
  key text primary key,
  id serial not null unique,
  name text not null,
  "order" integer not null default 0
);

create sequence operator_id;
create table operator (
  id bigint primary key,
  login text not null unique,
  fullname text not null,
  avatar text,
  title text not null,
  status text not null,
  status_sort text not null,
  status_us bigint not null,
  status_reason text not null,
  load integer not null check (load >= 0),
  max_chats integer,
  department_keys jsonb not null,
  langs jsonb not null,
  roles jsonb not null,
  disabled boolean not null,
  password_hash text not null default ''
) with (fillfactor = 70);

create table operator_session (
  token_hash text primary key,
  operator_id bigint not null,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null
);
create index operator_session_operator on operator_session (operator_id);

create sequence chat_id;
create table chat (
  id bigint primary key,
  client_side_id text not null,
  visitor_id text not null,
  visitor_fields jsonb not null,
  channel text not null,
  visit_session_id text not null,
  state text not null,
  operator_id bigint,
  assigned_operator_id bigint,
  assigned_us bigint,
  department_key text,
  lang text not null,
  location text not null,
  offline boolean not null,
  created_us bigint not null,
  queued_us bigint not null,
  modified_us bigint not null,
  unread_by_operator_since_us bigint,
  read_by_operator_us bigint not null,
  unread_by_visitor_since_us bigint,
  unread_by_visitor_msg_cnt integer not null,
  read_by_visitor boolean not null,
  subject text,
  page_url text not null,
  page_title text not null,
  message_count integer not null,
  last_message jsonb
) with (fillfactor = 70);
-- At most one open chat of a visitor; also what a batch locks it by.
create unique index chat_open on chat (visitor_id) where state in ('queue', 'chatting');
create index chat_of_visitor on chat (visitor_id, id);

create table message (
  visitor_id text not null,
  ts_us bigint not null,
  id text not null,
  chat_id bigint not null,
  visit_session_id text not null,
  sender text not null,
  client_side_id text not null,
  kind text not null,
  author_id bigint,
  name text not null,
  avatar text,
  text text not null,
  data jsonb,
  changed_us bigint not null,
  edited boolean not null,
  primary key (visitor_id, ts_us),
  unique (sender, client_side_id)
);
create index message_changed on message (visitor_id, changed_us);

-- One row per commit: revisions first..last and their changes as one JSON array. The row is what an envelope carries.
create table change_log (
  last_revision bigint primary key,
  first_revision bigint not null,
  batch_id uuid not null unique,
  committed_at timestamptz not null default clock_timestamp(),
  changes text not null
);

create table lease (
  only_row boolean primary key default true check (only_row),
  holder text not null default '',
  incarnation uuid,
  token bigint not null default 0,
  expires_at timestamptz not null default '1970-01-01Z'
);
insert into lease default values;

create table node (
  name text primary key,
  incarnation uuid not null,
  mode text not null,
  host text not null,
  pid integer not null,
  port integer not null,
  version text not null,
  state text not null,
  revision bigint not null,
  started_at timestamptz not null default clock_timestamp(),
  heartbeat_at timestamptz not null default clock_timestamp()
) with (fillfactor = 50);

create function clock_us() returns bigint language sql volatile as
  $$ select (extract(epoch from clock_timestamp()) * 1000000)::bigint $$;

-- The newest revision: of the log, or of an epoch that has no commit yet.
create function newest_revision() returns bigint language sql volatile as $$
  select greatest(
    (select last_revision from change_log order by last_revision desc limit 1),
    (select epoch from installation) * 1000000000000)
$$;

-- Appends one commit behind the newest one and returns its last revision. Sent together with the commit itself, so
-- that the lock which all nodes share is never held while a client thinks. p_lease_token is null for session commands.
create function append_changes(p_batch uuid, p_count integer, p_changes text, p_lease_token bigint) returns bigint
language plpgsql volatile as $$
declare
  v_last bigint;
begin
  if p_lease_token is not null then
    perform 1 from lease where token = p_lease_token and expires_at > clock_timestamp() for share;
    if not found then
      raise exception 'the lease with token % is not held', p_lease_token using errcode = 'TD001';
    end if;
  end if;
  perform pg_advisory_xact_lock(74617, 1);
  if (select timeline from installation) <> left(pg_walfile_name(pg_current_wal_lsn()), 8) then
    raise exception 'the database has a new timeline' using errcode = 'TD002';
  end if;
  v_last := newest_revision() + p_count;
  insert into change_log (last_revision, first_revision, batch_id, changes)
  values (v_last, v_last - p_count + 1, p_batch, p_changes);
  return v_last;
end $$;

-- After a fail-over the newest commits may be gone: revisions go on in a new epoch, so that none is given out twice.
create function open_epoch() returns bigint language plpgsql volatile as $$
begin
  perform pg_advisory_xact_lock(74617, 1);
  update installation
  set epoch = greatest(epoch, newest_revision() / 1000000000000) + 1, timeline = left(pg_walfile_name(pg_current_wal_lsn()), 8)
  where timeline <> left(pg_walfile_name(pg_current_wal_lsn()), 8);
  return (select epoch from installation);
end $$;

-- The one statement that each node runs every second.
create function beat(p_name text, p_incarnation uuid, p_state text, p_revision bigint, p_wants_lease boolean, p_lease_seconds integer)
returns table (now_us bigint, revision bigint, incarnation uuid, lease_holder text, lease_token bigint, lease_mine boolean, lease_expires_in_ms bigint)
language plpgsql volatile as $$
begin
  update node n set heartbeat_at = clock_timestamp(), state = p_state, revision = p_revision
  where n.name = p_name and n.incarnation = p_incarnation;
  if p_wants_lease then
    -- Free: never held, expired, or expiring later than any holder of this clock could have asked for.
    update lease l
    set holder = p_name, incarnation = p_incarnation,
        token = l.token + (l.incarnation is distinct from p_incarnation or l.expires_at <= clock_timestamp())::integer,
        expires_at = clock_timestamp() + p_lease_seconds * interval '1 second'
    where l.incarnation = p_incarnation or l.expires_at <= clock_timestamp()
       or l.expires_at > clock_timestamp() + p_lease_seconds * interval '1 second';
  end if;
  return query
  select clock_us(), newest_revision(), (select n.incarnation from node n where n.name = p_name), l.holder, l.token,
         coalesce(l.incarnation = p_incarnation and l.expires_at > clock_timestamp(), false),
         (extract(epoch from l.expires_at - clock_timestamp()) * 1000)::bigint
  from lease l;
end $$;
