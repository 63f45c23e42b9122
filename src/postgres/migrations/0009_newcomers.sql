-- A newcomer's first chat is begun without locks: what the node knows of him is checked with the write. Under the lock of
-- his row, and in a statement behind it, which sees what it has waited for. Same error as check_guess.
create function check_newcomers(p_ids text[], p_fields text[]) returns void language plpgsql volatile as $$
declare
  v_same bigint;
begin
  perform from visitor where id = any(p_ids) order by id for no key update;
  select count(*) into v_same
  from unnest(p_ids, p_fields) k(id, fields) join visitor v on v.id = k.id
  where v.fields = k.fields::jsonb and v.last_ts_us = 0 and v.cleared_us = 0 and v.last_operator_id is null and v.ban is null
    and not exists (select from chat c where c.visitor_id = v.id);
  if v_same <> cardinality(p_ids) then
    raise exception 'decided on something that is no longer so' using errcode = 'TD003';
  end if;
end $$;
