-- Up Migration
-- What a node says of itself with each heartbeat (NodeStats in ports/cluster.ts), so that any node can tell of all.
alter table node add column stats jsonb not null default '{}';

-- The one statement that each node runs every second, as in 0002, and the node's stats, with how far it was behind the
-- newest revision at this moment. p_stats null: of a node of an earlier build.
create function beat(p_name text, p_incarnation uuid, p_state text, p_revision bigint, p_claims boolean, p_failover text,
                     p_configured text, p_lease_seconds integer, p_stats jsonb)
returns table (now_us bigint, revision bigint, incarnation uuid, drain boolean, lease_holder text, lease_token bigint, lease_mine boolean,
               lease_expires_in_ms bigint, lease_reason text, hand_to text, hand_reason text)
language plpgsql volatile as $$
begin
  update node n
  set heartbeat_at = clock_timestamp(), state = p_state, revision = p_revision,
      stats = coalesce(p_stats || jsonb_build_object('lag', greatest(0, newest_revision() - p_revision)), n.stats),
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

-- Nodes of an earlier build go on with this one until they are replaced.
create or replace function beat(p_name text, p_incarnation uuid, p_state text, p_revision bigint, p_claims boolean, p_failover text,
                                p_configured text, p_lease_seconds integer)
returns table (now_us bigint, revision bigint, incarnation uuid, drain boolean, lease_holder text, lease_token bigint, lease_mine boolean,
               lease_expires_in_ms bigint, lease_reason text, hand_to text, hand_reason text)
language sql volatile as
  $$ select * from beat(p_name, p_incarnation, p_state, p_revision, p_claims, p_failover, p_configured, p_lease_seconds, null) $$;
