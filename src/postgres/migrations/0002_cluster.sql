-- Up Migration
-- Leadership that moves: who was promoted, why the lease changed hands, who is ready to take it, who was told to drain.

-- Hashes of the node's settings by key (never of a secret), so that nodes of one cluster can be held against each other.
alter table node add column fingerprint jsonb not null default '{}';
-- Since when the node has been running or degraded without a break.
alter table node add column ready_since timestamptz;
-- An administrator's wish; gone with the next start of the node.
alter table node add column drain boolean not null default false;

-- The node that an administrator promoted; it keeps the lease until a handover. Empty: the configured master gets it.
alter table lease add column promoted text not null default '';
-- How the present holder got it: start, crash, expired, planned, promoted, failback; released: nobody holds it.
alter table lease add column reason text not null default 'released';
-- For how long the holder has asked: no end further ahead is believed.
alter table lease add column seconds integer not null default 30;

create function is_alive(n node) returns boolean language sql stable as
  $$ select n.heartbeat_at > clock_timestamp() - interval '3 seconds' $$;

create function is_ready(n node) returns boolean language sql stable as
  $$ select is_alive(n) and n.ready_since is not null and not n.drain $$;

-- When revisions began anew, and what was the newest one that was left: for those who ask later what was lost.
create table epoch_opened (
  epoch bigint primary key,
  timeline text not null,
  newest_revision bigint not null,
  opened_at timestamptz not null default clock_timestamp()
);

create or replace function open_epoch() returns bigint language plpgsql volatile as $$
declare
  v_timeline text := left(pg_walfile_name(pg_current_wal_lsn()), 8);
  v_newest bigint;
begin
  perform pg_advisory_xact_lock(74617, 1);
  v_newest := newest_revision();
  update installation set epoch = greatest(epoch, v_newest / 1000000000000) + 1, timeline = v_timeline where timeline <> v_timeline;
  if found then
    insert into epoch_opened (epoch, timeline, newest_revision) select epoch, timeline, v_newest from installation;
  end if;
  return (select epoch from installation);
end $$;

drop function beat(text, uuid, text, bigint, boolean, integer);

-- The one statement that each node runs every second: writes its heartbeat, renews or takes the lease when it may, and
-- tells it all it must know. p_configured: the master that cluster.json names. hand_to: the holder should pass it on.
create function beat(p_name text, p_incarnation uuid, p_state text, p_revision bigint, p_claims boolean, p_failover text,
                     p_configured text, p_lease_seconds integer)
returns table (now_us bigint, revision bigint, incarnation uuid, drain boolean, lease_holder text, lease_token bigint, lease_mine boolean,
               lease_expires_in_ms bigint, lease_reason text, hand_to text, hand_reason text)
language plpgsql volatile as $$
begin
  update node n
  set heartbeat_at = clock_timestamp(), state = p_state, revision = p_revision,
      ready_since = case when p_state in ('running', 'degraded') then coalesce(n.ready_since, clock_timestamp()) end
  where n.name = p_name and n.incarnation = p_incarnation;
  if p_claims then
    update lease l
    set holder = p_name, incarnation = p_incarnation, seconds = p_lease_seconds, expires_at = clock_timestamp() + p_lease_seconds * interval '1 second',
        token = l.token + (l.incarnation is distinct from p_incarnation or l.expires_at <= clock_timestamp())::integer,
        reason = case
          when l.incarnation = p_incarnation then case when l.expires_at > clock_timestamp() then l.reason else 'expired' end
          when l.token = 0 then 'start'
          when l.reason = 'released' then 'planned'
          else 'crash'
        end
    where (l.incarnation = p_incarnation and l.expires_at > clock_timestamp())
       -- Free: expired, or expiring later than any holder of this clock could have asked for (a new primary's clock).
       or ((l.expires_at <= clock_timestamp() or l.expires_at > clock_timestamp() + l.seconds * interval '1 second')
           and (p_name in (l.promoted, p_configured)
                -- Others leave it for a moment to the configured master that is just starting.
                or (p_failover = 'automatic' and not ((l.token = 0 or l.expires_at > clock_timestamp() - interval '3 seconds') and exists (
                      select from node n where n.name = p_configured and n.state = 'starting' and is_alive(n)
                                           and n.started_at > clock_timestamp() - interval '2 seconds')))));
  end if;
  -- After the lease: whoever needs both locks takes the lease's first.
  if (select timeline from installation) <> left(pg_walfile_name(pg_current_wal_lsn()), 8) then
    perform open_epoch();
  end if;
  return query
  select clock_us(), newest_revision(), own.incarnation, coalesce(own.drain, false), l.holder, l.token,
         coalesce(l.incarnation = p_incarnation and l.expires_at > clock_timestamp(), false),
         (extract(epoch from l.expires_at - clock_timestamp()) * 1000)::bigint, l.reason,
         (select n.name from node n
          where n.name = coalesce(nullif(l.promoted, ''), p_configured) and n.name <> p_name and is_ready(n)
            and (l.promoted <> '' or n.ready_since < clock_timestamp() - interval '10 seconds')),
         case when l.promoted = '' then 'failback' else 'promoted' end
  from lease l left join node own on own.name = p_name;
end $$;

-- The holder passes its lease on, without a moment in which nobody has it. p_to null: to whom it may concern; nobody
-- there: the lease is free. Returns the new holder, '' for nobody, null when the lease was not p_from's.
create function hand_lease(p_from uuid, p_to text, p_reason text, p_failover text, p_configured text, p_lease_seconds integer)
returns text language plpgsql volatile as $$
declare
  v_holder text;
begin
  perform 1 from lease l where l.incarnation = p_from and l.expires_at > clock_timestamp() for update;
  if not found then
    return null;
  end if;
  update lease l
  set holder = n.name, incarnation = n.incarnation, token = l.token + 1, reason = p_reason, seconds = p_lease_seconds,
      expires_at = clock_timestamp() + p_lease_seconds * interval '1 second'
  from (select * from node n
        where is_ready(n) and n.incarnation <> p_from and (p_to is null or n.name = p_to)
          and (p_failover = 'automatic' or n.name in ((select promoted from lease), p_configured))
        order by n.name = (select promoted from lease) desc, n.name = p_configured desc, n.state = 'running' desc, n.name
        limit 1) n
  returning l.holder into v_holder;
  if v_holder is null and p_to is null then
    update lease set expires_at = clock_timestamp(), reason = 'released';
    v_holder := '';
  end if;
  return v_holder;
end $$;
