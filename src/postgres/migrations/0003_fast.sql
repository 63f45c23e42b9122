-- Up Migration
-- One round trip for a commit: rows carry a version that every replica knows too, so that a batch decided without locks
-- can be checked and written by one message.

alter table chat add column version bigint not null default 0;
alter table operator add column version bigint not null default 0;

-- While a chat is open it holds its visitor's clock, so that a message changes no other row.
alter table chat add column last_ts_us bigint not null default 0;
update chat set last_ts_us = v.last_ts_us from visitor v where v.id = chat.visitor_id and chat.state in ('queue', 'chatting');

-- Only edited messages were changed later than they were sent: all others are found by the primary key.
drop index message_changed;
create index message_edited on message (visitor_id, changed_us) where edited;

-- Ids are compared by bytes, not by a language's rules: quicker, and an index that no update of the system's collations
-- can break.
alter table visitor alter column id type text collate "C";
alter table visit_session alter column id type text collate "C", alter column visitor_id type text collate "C";
alter table page alter column id type text collate "C", alter column visitor_id type text collate "C", alter column device_id type text collate "C";
alter table chat alter column visitor_id type text collate "C";
alter table message alter column visitor_id type text collate "C", alter column sender type text collate "C",
  alter column client_side_id type text collate "C";
alter table operator_session alter column token_hash type text collate "C";

-- A chat's newest message is read from the messages by those who want it.
alter table chat drop column last_message;

-- A commit's changes are read as a whole and soon pruned: compressing them cost 6 us a message.
alter table change_log alter column changes set storage external;

-- As before, without calls of SQL functions, which are planned anew by each call: 100 us of every commit. p_now_us and
-- p_revision are null for what was decided under locks; else the database's time as the node knows it, carried on by its own
-- clock since its last heartbeat, and a revision that names the epoch: versions count anew from what a fail-over left.
drop function append_changes(uuid, integer, text, bigint);
create function append_changes(p_batch uuid, p_count integer, p_changes text, p_lease_token bigint, p_now_us bigint default null,
                               p_revision bigint default null)
returns bigint language plpgsql volatile as $$
declare
  v_epoch bigint;
  v_timeline text;
  v_last bigint;
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
  if p_revision / 1000000000000 <> v_epoch then
    raise exception 'decided in another epoch' using errcode = 'TD003';
  end if;
  select last_revision into v_last from change_log order by last_revision desc limit 1;
  v_last := greatest(v_last, v_epoch * 1000000000000) + p_count;
  insert into change_log (last_revision, first_revision, batch_id, changes)
  values (v_last, v_last - p_count + 1, p_batch, p_changes);
  return v_last;
end $$;

-- For batches that change less than they were decided on: locks those rows, in the one order of all nodes, and raises TD003
-- unless they are what the node took them for. A row that changes while its lock is waited for is looked at again, so a
-- version that matches is the row's newest.
create function check_guess(p_chats bigint[], p_chat_versions bigint[], p_operators bigint[], p_operator_versions bigint[])
returns void language plpgsql volatile as $$
declare
  v_chats bigint;
  v_operators bigint;
begin
  perform from chat c join unnest(p_chats, p_chat_versions) k(id, version) on c.id = k.id and c.version = k.version
  order by c.id for no key update of c;
  get diagnostics v_chats = row_count;
  perform from operator o join unnest(p_operators, p_operator_versions) k(id, version) on o.id = k.id and o.version = k.version
  order by o.id for no key update of o;
  get diagnostics v_operators = row_count;
  if (v_chats, v_operators) <> (cardinality(p_chats), cardinality(p_operators)) then
    raise exception 'decided on something that is no longer so' using errcode = 'TD003';
  end if;
end $$;
