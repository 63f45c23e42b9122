-- Up Migration
-- A database that was set back (a backup put in its place, a copied data folder, a dump loaded elsewhere, a lossy fail-over) is
-- noticed before anything is written: by what a node remembers of it, by what the database remembers of itself.

-- Which cluster of PostgreSQL and which database of it this is: a dump that is loaded brings the old value along. Some services
-- that host PostgreSQL do not tell everybody which cluster it is.
create function database_origin() returns text language plpgsql stable as $$
declare
  v_database text := (select oid from pg_database where datname = current_database());
begin
  return (select system_identifier from pg_control_system()) || '/' || v_database;
exception when insufficient_privilege or undefined_function or feature_not_supported then
  return '/' || v_database;
end $$;

-- How far the log of the server is on disk. It never goes back but with the disk.
create function wal_position() returns bigint language sql volatile as $$ select (pg_current_wal_flush_lsn() - '0/0')::bigint $$;

alter table installation add column origin text;
update installation set origin = database_origin();

-- Why it was opened, and the newest revision that the node which noticed it knew of.
alter table epoch_opened add column reason text not null default 'timeline', add column known_revision bigint;

-- Is the commit that a node knows not in the log any more? p_newest: the newest revision, the first one of its epoch where that has
-- no commit yet. Not for what the log's retention has taken. No SQL function is called here: it is part of every commit.
create function is_gone(p_known bigint, p_batch uuid, p_newest bigint) returns boolean language plpgsql stable as $$
declare
  v_batch uuid;
begin
  if p_known > p_newest then
    return true;
  end if;
  -- Of an epoch before: what was lost with its end was noticed then.
  if p_batch is null or p_known / 1000000000000 < p_newest / 1000000000000 then
    return false;
  end if;
  select batch_id into v_batch from change_log where last_revision = p_known;
  if found then
    return v_batch <> p_batch;
  end if;
  return p_known % 1000000000000 > 0 and exists (select from change_log where last_revision < p_known);
end $$;

-- Opens a new epoch where one is due, or where p_reason says so; returns why, null when none was. p_known, p_batch: the newest
-- commit that the caller knows; p_wal: how far the server's log was when the caller last asked; null: nothing is known. Revisions and
-- chats' ids that were given out and are gone are not given out again.
create function open_epoch(p_known bigint, p_batch uuid, p_wal bigint, p_reason text default null) returns text
language plpgsql volatile as $$
declare
  v_epoch bigint;
  v_newest bigint;
  v_timeline text := left(pg_walfile_name(pg_current_wal_lsn()), 8);
  v_reason text;
begin
  perform pg_advisory_xact_lock(74617, 1);
  v_newest := newest_revision();
  select epoch, coalesce(p_reason, case
      when timeline <> v_timeline then 'timeline'
      when origin <> database_origin() then 'other-database'
      when is_gone(p_known, p_batch, v_newest) then 'set-back'
      when p_known / 1000000000000 = epoch and p_wal > wal_position() then 'set-back'
    end)
    into v_epoch, v_reason
  from installation;
  if v_reason is null then
    return null;
  end if;
  update installation
  set epoch = greatest(v_epoch, v_newest / 1000000000000, p_known / 1000000000000) + 1, timeline = v_timeline, origin = database_origin();
  insert into epoch_opened (epoch, timeline, newest_revision, reason, known_revision)
  select epoch, timeline, v_newest, v_reason, p_known from installation;
  perform setval('chat_id', (select last_value from chat_id) + 100000);
  return v_reason;
end $$;

-- Nodes of an earlier build.
create or replace function open_epoch() returns bigint language plpgsql volatile as $$
begin
  perform open_epoch(null, null, null);
  return (select epoch from installation);
end $$;

-- As in 0003, and refuses to write what is to be based on a commit that is gone.
create function append_changes(p_batch uuid, p_count integer, p_changes text, p_lease_token bigint, p_now_us bigint, p_revision bigint,
                               p_known bigint, p_known_batch uuid)
returns bigint language plpgsql volatile as $$
declare
  v_epoch bigint;
  v_timeline text;
  v_last bigint;
  v_last_batch uuid;
begin
  if p_lease_token is not null then
    perform from lease where token = p_lease_token and expires_at > clock_timestamp() for share;
    if not found then
      raise exception 'the lease with token % is not held', p_lease_token using errcode = 'TD001';
    end if;
  end if;
  if p_now_us not between extract(epoch from clock_timestamp()) * 1000000 - 1000000 and extract(epoch from clock_timestamp()) * 1000000 + 50000 then
    raise exception 'decided at another time' using errcode = 'TD003';
  end if;
  perform pg_advisory_xact_lock(74617, 1);
  select epoch, timeline into v_epoch, v_timeline from installation;
  if v_timeline <> left(pg_walfile_name(pg_current_wal_lsn()), 8) then
    raise exception 'the database has a new timeline' using errcode = 'TD002';
  end if;
  select last_revision, batch_id into v_last, v_last_batch from change_log order by last_revision desc limit 1;
  if v_last is distinct from p_known or v_last_batch <> p_known_batch then
    if is_gone(p_known, p_known_batch, greatest(v_last, v_epoch * 1000000000000)) then
      raise exception 'the database was set back: commit % is gone', p_known using errcode = 'TD002';
    end if;
  end if;
  if p_revision / 1000000000000 <> v_epoch then
    raise exception 'decided in another epoch' using errcode = 'TD003';
  end if;
  v_last := greatest(v_last, v_epoch * 1000000000000) + p_count;
  insert into change_log (last_revision, first_revision, batch_id, changes)
  values (v_last, v_last - p_count + 1, p_batch, p_changes);
  return v_last;
end $$;

-- As in 0008, told what the node knows. wal: for the next time. epoch_reason: why a new epoch was opened by this call, else null.
create function beat(p_name text, p_incarnation uuid, p_state text, p_revision bigint, p_claims boolean, p_failover text,
                     p_configured text, p_lease_seconds integer, p_stats jsonb, p_known bigint, p_known_batch uuid, p_wal bigint)
returns table (now_us bigint, revision bigint, incarnation uuid, drain boolean, lease_holder text, lease_token bigint, lease_mine boolean,
               lease_expires_in_ms bigint, lease_reason text, hand_to text, hand_reason text, wal bigint, epoch_reason text)
language plpgsql volatile as $$
declare
  v_reason text;
begin
  -- Before the lease is renewed, so that nobody leads on what is gone. Locks in the order of all: the lease's, then the log's.
  if (select i.timeline <> left(pg_walfile_name(pg_current_wal_lsn()), 8) or i.origin <> database_origin()
        or is_gone(p_known, p_known_batch, newest_revision()) or (p_known / 1000000000000 = i.epoch and p_wal > wal_position())
      from installation i) then
    perform from lease for no key update;
    v_reason := open_epoch(p_known, p_known_batch, p_wal);
  end if;
  return query
  select b.*, wal_position(), v_reason
  from beat(p_name, p_incarnation, p_state, p_revision, p_claims, p_failover, p_configured, p_lease_seconds, p_stats) b;
end $$;
