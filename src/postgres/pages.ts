/**
 * Visitors' pages: opened by every init, looked up by every other call. By the database's clock a page that was not heard of for a
 * week has ended, and a visit session goes on for a day, or as long as its chat is open.
 */
import type { Ban, Page, Visitor } from '../domain/visitor.ts';
import type { FoundPage, OpenedPage, PageOpening, Pages, PageVisitor, PushTarget } from '../ports.ts';
import type { Database } from './database.ts';
import { Gather } from './gather.ts';
import { IS_OPEN, VISITORS } from './tables.ts';

const PAGE_LIVES = "interval '7 days'";
const VISIT_LIVES = "interval '1 day'";
/** How exactly that is known: a page that polls for ever writes so often. */
const SEEN_WITHIN = "interval '10 minutes'";

/** Is the visit session `s` still the same visit? */
const GOES_ON = `(exists (select from page p where p.visit_session_id = s.id and p.seen_at > clock_timestamp() - ${VISIT_LIVES})
  or exists (select from chat c where c.visitor_id = s.visitor_id and ${IS_OPEN} and c.visit_session_id = s.id))`;

const PAGE =
  'page.id, page.visitor_id as "visitorId", page.visit_session_id as "visitSessionId", page.location, page.title, page.platform, page.url';

/** Of `w.visitor_id`: what a full update without an open chat says of the one before. */
const LAST_CHAT = `left join lateral (
  select c.visit_session_id, c.survey from chat c where c.visitor_id = w.visitor_id order by c.id desc limit 1) last on true`;
const LAST_CHAT_COLUMNS =
  'coalesce(last.visit_session_id = w.session_id, false) as "chattedBefore", last.visit_session_id is not null as "hasChatted", last.survey';

export function createPages(database: Database): Pages {
  const open = new Gather<PageOpening, OpenedPage>(openings => openPages(database, openings));
  const find = new Gather<string, FoundPage | undefined>(ids => findPages(database, ids));
  const findVisitor = new Gather<Page, PageVisitor | undefined>(pages => findVisitors(database, pages));
  return {
    open: opening => open.load(opening),
    find: pageId => find.load(pageId),
    findVisitor: page => findVisitor.load(page),
    async findNewestOf(visitorId) {
      const rows = await database.query<Page>(
        `select ${PAGE} from page where visitor_id = $1 order by ended_at is null desc, seen_at desc limit 1`,
        [visitorId],
      );
      return rows[0];
    },
    pushTargets: visitorId =>
      database.query<PushTarget>(
        `select id as "pageId", push_token as token, location from page
         where visitor_id = $1 and ended_at is null and push_token is not null and push_service in ('fcm', 'gcm')`,
        [visitorId],
        'push-targets',
      ),
    async setPushToken(pageId, pushToken) {
      await database.query('update page set push_token = $2 where id = $1', [pageId, pushToken]);
    },
  };
}

async function openPages(database: Database, openings: readonly PageOpening[]): Promise<OpenedPage[]> {
  const rows = await database.transaction('begin', async client => {
    const pick = (key: keyof PageOpening): (string | null)[] => openings.map(opening => opening[key]);
    // In the order of their ids: two nodes may create the same visitor at once.
    await client.query(
      `insert into visitor (id, fields, last_ts_us) select distinct id, '{}'::jsonb, 0 from unnest($1::text[]) u(id) order by id on conflict do nothing`,
      [pick('visitorId')],
    );
    // A session of another visitor is not taken over: the page gets a new one under the id offered for it.
    const result = await client.query<Visitor & Omit<OpenedPage, 'visitor'>>(
      `with wanted as (
         select u.*, coalesce(s.id, u.new_session_id) as session_id
         from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[])
           with ordinality u(page_id, visitor_id, old_session_id, new_session_id, location, title, platform, device_id, push_service, push_token, url, place)
         left join visit_session s on s.id = u.old_session_id and s.visitor_id = u.visitor_id and ${GOES_ON}
       ), new_session as (
         insert into visit_session (id, visitor_id) select distinct session_id, visitor_id from wanted order by session_id on conflict do nothing
       ), new_page as (
         insert into page (id, visitor_id, visit_session_id, location, title, platform, device_id, push_service, push_token, url)
         select page_id, visitor_id, session_id, location, title, platform, device_id, push_service, push_token, url from wanted
       )
       select ${VISITORS.select}, w.session_id as "visitSessionId",
         coalesce((select jsonb_agg(p.id) from page p
           where p.visitor_id = w.visitor_id and p.device_id = w.device_id and w.device_id <> '' and p.ended_at is null), '[]') as "replacedPageIds",
         ${LAST_CHAT_COLUMNS}
       from wanted w join visitor on visitor.id = w.visitor_id ${LAST_CHAT} order by w.place`,
      [
        pick('pageId'),
        pick('visitorId'),
        pick('oldVisitSessionId'),
        pick('newVisitSessionId'),
        pick('location'),
        pick('title'),
        pick('platform'),
        pick('deviceId'),
        pick('pushService'),
        pick('pushToken'),
        pick('url'),
      ],
    );
    return result.rows;
  });
  return rows.map(({ visitSessionId, replacedPageIds, chattedBefore, hasChatted, survey, ...visitor }) => ({
    visitor,
    visitSessionId,
    replacedPageIds,
    chattedBefore,
    hasChatted,
    survey,
  }));
}

async function findPages(database: Database, ids: readonly string[]): Promise<(FoundPage | undefined)[]> {
  const rows = await database.query<Page & { ban: Ban | null }>(
    `with seen as (
       update page set seen_at = clock_timestamp()
       where id = any($1::text[]) and seen_at between clock_timestamp() - ${PAGE_LIVES} and clock_timestamp() - ${SEEN_WITHIN}
     )
     select ${PAGE}, visitor.ban from page join visitor on visitor.id = page.visitor_id
     where page.id = any($1::text[]) and page.ended_at is null and page.seen_at > clock_timestamp() - ${PAGE_LIVES}`,
    [[...new Set(ids)]],
    'find-pages',
  );
  const byId = new Map(rows.map(({ ban, ...page }) => [page.id, { page, ban }]));
  return ids.map(id => byId.get(id));
}

async function findVisitors(database: Database, pages: readonly Page[]): Promise<(PageVisitor | undefined)[]> {
  const rows = await database.query<Visitor & Omit<PageVisitor, 'visitor'> & { place: number }>(
    `select ${VISITORS.select}, ${LAST_CHAT_COLUMNS}, w.place::integer as place
     from unnest($1::text[], $2::text[]) with ordinality w(visitor_id, session_id, place)
     join visitor on visitor.id = w.visitor_id ${LAST_CHAT}`,
    [pages.map(page => page.visitorId), pages.map(page => page.visitSessionId)],
    'find-visitors',
  );
  const found = pages.map((): PageVisitor | undefined => undefined);
  for (const { chattedBefore, hasChatted, survey, place, ...visitor } of rows)
    found[place - 1] = { visitor, chattedBefore, hasChatted, survey };
  return found;
}
