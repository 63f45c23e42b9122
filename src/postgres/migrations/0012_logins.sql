-- Log-ins: what is counted against guesses, where somebody has logged in before, and logins that differ by case only.
-- Compatible with the version before: it neither reads nor writes what is new here, and its new operators are checked by the index.

-- One row is one bucket (of an account, an address, …): until free_at it is used up by so much. A row in the past says
-- nothing and may be deleted. Keys are hashes.
create table login_attempt (
  key text collate "C" primary key,
  free_at timestamptz not null
);
create index login_attempt_free on login_attempt (free_at);

-- Pairs of an account and an address from which it has logged in, and that account, hashed.
create table login_place (
  key text collate "C" primary key,
  account text collate "C" not null,
  seen_at timestamptz not null default clock_timestamp()
);
create index login_place_seen on login_place (seen_at);
create index login_place_account on login_place (account, seen_at);

-- Takes one place in each bucket, or in none. Each holds `bound`, and gives one back every `step` seconds. Returns the
-- milliseconds until it may work, 0: it has. One at a time on all nodes, so that guesses sent at once are counted one by one.
create function reserve_login(p_keys text[], p_bounds integer[], p_steps double precision[]) returns integer language plpgsql volatile as $$
declare
  v_now timestamptz;
  v_wait double precision;
begin
  perform pg_advisory_xact_lock(74617, 12);
  -- What the last moment before a crash has counted may be lost; nobody waits for a disk.
  perform set_config('synchronous_commit', 'off', true);
  v_now := clock_timestamp();
  select max(extract(epoch from a.free_at - v_now) - (w.bound - 1) * w.step) into v_wait
  from unnest(p_keys, p_bounds, p_steps) w(key, bound, step) join login_attempt a on a.key = w.key;
  if v_wait > 0 then
    return ceil(v_wait * 1000);
  end if;
  insert into login_attempt (key, free_at)
  select w.key, v_now + w.step * interval '1 second' from unnest(p_keys, p_steps) w(key, step)
  on conflict (key) do update set free_at = greatest(login_attempt.free_at, v_now) + (excluded.free_at - v_now);
  return 0;
end $$;

-- The password was right: what was reserved in each is given back, and nothing counts any more in p_emptied. In the same turn as
-- reserve_login: both write several rows.
create function give_back_login(p_keys text[], p_steps double precision[], p_emptied text) returns void language plpgsql volatile as $$
begin
  perform pg_advisory_xact_lock(74617, 12);
  perform set_config('synchronous_commit', 'off', true);
  delete from login_attempt where key = p_emptied;
  update login_attempt a set free_at = a.free_at - w.step * interval '1 second'
  from unnest(p_keys, p_steps) w(key, step) where a.key = w.key;
end $$;

-- An account has logged in here. Once a day is enough; of an account the 50 places seen last are kept.
create function remember_login(p_key text, p_account text) returns void language plpgsql volatile as $$
begin
  if exists (select from login_place where key = p_key and seen_at > clock_timestamp() - interval '1 day') then
    return;
  end if;
  perform pg_advisory_xact_lock(74618, hashtext(p_account));
  insert into login_place (key, account) values (p_key, p_account)
  on conflict (key) do update set seen_at = clock_timestamp();
  delete from login_place where key in (select key from login_place where account = p_account order by seen_at desc, key offset 50);
end $$;

-- Logins are the same whatever their case. Where an installation has several already, all but the first are marked:
-- each works exactly as it is written, and no further one comes.
alter table operator add column login_is_double boolean not null default false;
update operator o set login_is_double = true
where exists (select from operator f where f.id < o.id and lower(f.login collate "C") = lower(o.login collate "C"));
create unique index operator_login_once on operator (lower(login collate "C")) where not login_is_double;
create index operator_login_folded on operator (lower(login collate "C"));
