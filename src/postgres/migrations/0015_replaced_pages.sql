-- A page whose device has opened another one goes on for a day: what the app had still to send comes under the page that it
-- began with. Compatible with the version before, which ends such pages as ever.
alter table page add column replaced_at timestamptz;

-- Also for a device that comes as somebody else.
drop index page_live_device;
create index page_of_device on page (device_id, visitor_id) where ended_at is null and device_id <> '';
-- A device has one token for pushes, whoever uses it: which other visitor was given the same one is asked before each push.
create index page_push_token on page using hash (push_token) where ended_at is null and push_token is not null;
