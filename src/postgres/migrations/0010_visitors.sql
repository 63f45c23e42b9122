-- Up Migration
-- Who a visitor is. Nodes of the version before go on with all of it: they leave the defaults.

alter table visitor
  -- What his secret is derived from, beside his id (sessions/visitor-secrets.ts): counted up, all secrets before are worth nothing.
  add column secret_generation integer not null default 0,
  -- Since when his device may have a secret; null: it comes from a version without, and has his id alone.
  add column secret_since timestamptz,
  -- When such a device was taken at its word (visitor_bare_ids), which is done once.
  add column bare_resumed_at timestamptz,
  -- Names of the fields that the customer's site has signed.
  add column verified jsonb not null default '[]';
alter table chat add column visitor_verified jsonb not null default '[]';

-- Those whom nobody would miss: what retention looks through. Whoever has an open chat for the first time is among them for as long.
create index visitor_never_chatted on visitor (id) where last_ts_us = 0 and ban is null and not (fields ? 'id');

-- As before, with what is verified. The function of two arguments is for nodes of the version before.
create function check_newcomers(p_ids text[], p_fields text[], p_verified text[]) returns void language plpgsql volatile as $$
declare
  v_same bigint;
begin
  perform from visitor where id = any(p_ids) order by id for no key update;
  select count(*) into v_same
  from unnest(p_ids, p_fields, p_verified) k(id, fields, verified) join visitor v on v.id = k.id
  where v.fields = k.fields::jsonb and v.verified = k.verified::jsonb
    and v.last_ts_us = 0 and v.cleared_us = 0 and v.last_operator_id is null and v.ban is null
    and not exists (select from chat c where c.visitor_id = v.id);
  if v_same <> cardinality(p_ids) then
    raise exception 'decided on something that is no longer so' using errcode = 'TD003';
  end if;
end $$;
