/**
 * Visitors' pages: opened by every init, looked up by every other call. By the database's clock a page that was not heard of for a
 * week has ended, and a visit session goes on for a day, or as long as its chat is open.
 */
import { type Ban, newVisitor, type Page, type Visitor } from '../domain/visitor.ts';
import type {
  KnownVisitor,
  LookedUpPage,
  OpenedPage,
  PageLookUp,
  PageOpening,
  Pages,
  PageVisitor,
  PushTarget,
  WrittenPage,
} from '../ports/index.ts';
import type { Database } from './database.ts';
import { BEGIN } from './session.ts';
import { Gather } from './gather.ts';
import { IS_OPEN, VISITORS } from './tables.ts';

const PAGE_LIVES = "interval '7 days'";
/** Of `page`: one whose device has opened another goes on for a day. */
const LIVES = `case when page.replaced_at is null then ${PAGE_LIVES} else interval '1 day' end`;
const VISIT_LIVES = "interval '1 day'";
/** A bare id that is resumed again within this time is resumed once: the answer may have been lost. */
const SAME_RESUME = "interval '2 minutes'";
/** Pages of others on one device. An app that names all its devices alike has more, and ends nobody's. */
const MOST_OF_DEVICE = 50;
/** How exactly that is known: a page that polls for ever writes so often. */
const SEEN_WITHIN = "interval '10 minutes'";

/** Is the visit session `s` still the same visit? */
const GOES_ON = `(exists (select from page p where p.visit_session_id = s.id and p.seen_at > clock_timestamp() - ${VISIT_LIVES})
  or exists (select from chat c where c.visitor_id = s.visitor_id and ${IS_OPEN} and c.visit_session_id = s.id))`;

/** Of `page` and its `visitor`. */
const PAGE =
  'page.id, page.visitor_id as "visitorId", page.visit_session_id as "visitSessionId", page.location, page.title, page.platform, page.url, page.device_id as "deviceId", visitor.secret_generation as "secretGeneration"';
const IS_IDENTIFIED = "visitor.fields ? 'id'";

/** A page without rows came of the secret that its visitor had at first. When that one is worth nothing any more, nor is the page. */
const IS_OF_FIRST_SECRET = '(coalesce(visitor.secret_generation, 0) = 0)';

/** Of `w.visitor_id`: what a full update without an open chat says of the one before. */
const LAST_CHAT = `left join lateral (
  select c.visit_session_id, c.survey from chat c where c.visitor_id = w.visitor_id order by c.id desc limit 1) last on true`;
const LAST_CHAT_COLUMNS =
  'coalesce(last.visit_session_id = w.session_id, false) as "chattedBefore", last.visit_session_id is not null as "hasChatted", last.survey';

export function createPages(database: Database): Pages {
  const open = new Gather<PageOpening, OpenedPage>(openings => openPages(database, openings));
  const find = new Gather<PageLookUp, LookedUpPage>(wanted => findPages(database, wanted));
  const write = new Gather<Page, WrittenPage>(pages => writePages(database, pages));
  const findKnown = new Gather<string, KnownVisitor | undefined>(ids => findKnownVisitors(database, ids));
  const findVisitor = new Gather<Page, PageVisitor | undefined>(pages => findVisitors(database, pages));
  return {
    open: opening => open.load(opening),
    find: wanted => find.load(wanted),
    write: page => write.load(page),
    findKnown: visitorId => findKnown.load(visitorId),
    async resumeBare(visitorId) {
      const rows = await database.query(
        `with first as (
           update visitor set secret_since = clock_timestamp(), bare_resumed_at = clock_timestamp()
           where id = $1 and secret_since is null and not (${IS_IDENTIFIED}) returning id
         )
         select from first union all
         select from visitor where id = $1 and bare_resumed_at > clock_timestamp() - ${SAME_RESUME} and not (${IS_IDENTIFIED})`,
        [visitorId],
      );
      return rows.length > 0;
    },
    findVisitor: page => findVisitor.load(page),
    async findNewestOf(visitorId) {
      const rows = await database.query<Page>(
        `select ${PAGE} from page join visitor on visitor.id = page.visitor_id
         where page.visitor_id = $1 order by page.ended_at is null desc, page.replaced_at is null desc, page.seen_at desc limit 1`,
        [visitorId],
      );
      return rows[0];
    },
    pushTargets: visitorId =>
      database.query<PushTarget>(
        `select distinct on (push_token) id as "pageId", push_token as token, location from page
         where visitor_id = $1 and ended_at is null and replaced_at is null and push_token is not null and push_service in ('fcm', 'gcm')
           and not exists (select from page later where later.push_token = page.push_token and later.ended_at is null
             and later.visitor_id <> page.visitor_id and later.created_at > page.created_at)
         order by push_token, seen_at desc`,
        [visitorId],
        'push-targets',
      ),
    async setPushToken(pageId, pushToken) {
      await database.query(
        `update page set push_token = $2 from page told
         where told.id = $1 and (page.id = told.id or (told.device_id <> '' and page.device_id = told.device_id and page.visitor_id = told.visitor_id))
           and page.ended_at is null`,
        [pageId, pushToken],
      );
    },
  };
}

/** Retention may forget a visitor between two statements, one that has just come back: he is made anew by the next try. */
async function openPages(database: Database, openings: readonly PageOpening[]): Promise<OpenedPage[]> {
  for (;;) {
    try {
      return await tryToOpenPages(database, openings);
    } catch (error) {
      if (!(error instanceof VisitorForgotten)) throw error;
    }
  }
}

class VisitorForgotten extends Error {}

async function tryToOpenPages(database: Database, openings: readonly PageOpening[]): Promise<OpenedPage[]> {
  const rows = await database.transaction(BEGIN, async client => {
    const pick = (key: keyof Omit<PageOpening, 'isIdentified'>): (string | null)[] => openings.map(opening => opening[key]);
    // In the order of their ids: two nodes may create the same visitor at once.
    await client.query(
      `insert into visitor (id, fields, last_ts_us, secret_since)
       select distinct id, '{}'::jsonb, 0, clock_timestamp() from unnest($1::text[]) u(id) order by id on conflict do nothing`,
      [pick('visitorId')],
    );
    // Those from a version without secrets are told one now. What a device has kept of an anonymous visitor proves nothing when he is identified.
    await client.query(
      `with due as (
         select visitor.id, u.is_identified and not (${IS_IDENTIFIED}) as rotates from visitor
         join (select id, bool_or(is_identified) as is_identified from unnest($1::text[], $2::boolean[]) u(id, is_identified) group by id) u
           on u.id = visitor.id and (visitor.secret_since is null or u.is_identified and not (${IS_IDENTIFIED}))
         order by visitor.id for no key update of visitor
       )
       update visitor set secret_since = coalesce(secret_since, clock_timestamp()), secret_generation = secret_generation + due.rotates::integer
       from due where visitor.id = due.id`,
      [pick('visitorId'), openings.map(opening => opening.isIdentified)],
    );
    // A session of another visitor is not taken over: the page gets a new one under the id offered for it.
    const result = await client.query<Visitor & Omit<OpenedPage, 'visitor'>>(
      `with wanted as (
         select u.*, coalesce(s.id, u.new_session_id) as session_id
         from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::boolean[])
           with ordinality u(page_id, visitor_id, old_session_id, new_session_id, location, title, platform, device_id, push_service, push_token, url,
             is_identified, place)
         left join visit_session s on s.id = u.old_session_id and s.visitor_id = u.visitor_id and ${GOES_ON}
       ), new_session as (
         insert into visit_session (id, visitor_id) select distinct session_id, visitor_id from wanted order by session_id on conflict do nothing
       ), older as (
         update page set replaced_at = clock_timestamp() from wanted
         where page.device_id = wanted.device_id and wanted.device_id <> '' and page.visitor_id = wanted.visitor_id
           and page.ended_at is null and page.replaced_at is null
       ), new_page as (
         insert into page (id, visitor_id, visit_session_id, location, title, platform, device_id, push_service, push_token, url)
         select page_id, visitor_id, session_id, location, title, platform, device_id, push_service, push_token, url from wanted
       )
       select ${VISITORS.select}, visitor.secret_generation as "secretGeneration", w.session_id as "visitSessionId",
         coalesce((select jsonb_agg(jsonb_build_object('pageId', p.id, 'visitorId', p.visitor_id))
           from (select id, visitor_id from page p
             where p.device_id = w.device_id and w.device_id <> '' and p.visitor_id <> w.visitor_id and w.is_identified and p.ended_at is null
             limit ${MOST_OF_DEVICE + 1}) p having count(*) <= ${MOST_OF_DEVICE}), '[]') as "othersPages",
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
        openings.map(opening => opening.isIdentified),
      ],
    );
    // Answers are told apart by their places: with one too few, clients would be taken for each other.
    if (result.rows.length !== openings.length) throw new VisitorForgotten();
    return result.rows;
  });
  return rows.map(({ visitSessionId, secretGeneration, othersPages, chattedBefore, hasChatted, survey, ...visitor }) => ({
    visitor,
    visitSessionId,
    secretGeneration,
    othersPages,
    chattedBefore,
    hasChatted,
    survey,
  }));
}

async function findPages(database: Database, wanted: readonly PageLookUp[]): Promise<LookedUpPage[]> {
  const rows = await database.query<Page & { ban: Ban | null; isLive: boolean | null; isVisitorKnown: boolean; place: number }>(
    `with seen as (
       update page set seen_at = clock_timestamp()
       where id = any($1::text[]) and seen_at between clock_timestamp() - ${LIVES} and clock_timestamp() - ${SEEN_WITHIN}
     )
     select ${PAGE}, visitor.ban, visitor.id is not null as "isVisitorKnown", w.place::integer as place,
       page.ended_at is null and page.seen_at > clock_timestamp() - ${LIVES} as "isLive"
     from unnest($1::text[], $2::text[]) with ordinality w(page_id, visitor_id, place)
     left join page on page.id = w.page_id
     left join visitor on visitor.id = coalesce(page.visitor_id, w.visitor_id) order by w.place`,
    [wanted.map(({ pageId }) => pageId), wanted.map(({ visitorId }) => visitorId)],
    'find-pages',
  );
  return rows.map(({ ban, isLive, isVisitorKnown, place: _, ...page }) => {
    const hasRow = (page.id as string | null) !== null;
    return {
      found: hasRow && isLive === true && isVisitorKnown ? { page, ban } : undefined,
      hasEnded: hasRow && isLive !== true,
      isVisitorKnown,
    };
  });
}

/** In one statement: what it reads is as it was before, which is what its callers ask. */
async function writePages(database: Database, pages: readonly Page[]): Promise<WrittenPage[]> {
  const pick = (key: 'id' | 'visitorId' | 'visitSessionId' | 'location' | 'title' | 'platform' | 'url' | 'deviceId'): string[] =>
    pages.map(page => page[key]);
  const rows = await database.query<
    { [K in keyof Visitor]: Visitor[K] | null } & {
      secretGeneration: number | null;
      hasChatted: boolean;
      hasEnded: boolean;
      wantedId: string;
    }
  >(
    `with w as (
       select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
         with ordinality u(page_id, visitor_id, session_id, location, title, platform, url, device_id, place)
     ), new_visitor as (
       insert into visitor (id, fields, last_ts_us, secret_since)
       select distinct visitor_id, '{}'::jsonb, 0, clock_timestamp() from w order by visitor_id on conflict do nothing
     ), new_session as (
       insert into visit_session (id, visitor_id) select distinct session_id, visitor_id from w order by session_id on conflict do nothing
     ), new_page as (
       insert into page (id, visitor_id, visit_session_id, location, title, platform, device_id, url)
       select distinct on (page_id) page_id, visitor_id, session_id, location, title, platform, device_id, url
       from w left join visitor on visitor.id = w.visitor_id where ${IS_OF_FIRST_SECRET} order by page_id on conflict do nothing
     )
     select ${VISITORS.select}, visitor.secret_generation as "secretGeneration", w.visitor_id as "wantedId",
       exists (select from chat where chat.visitor_id = w.visitor_id) as "hasChatted", case when page.id is null then not ${IS_OF_FIRST_SECRET} else page.ended_at is not null end as "hasEnded"
     from w left join visitor on visitor.id = w.visitor_id left join page on page.id = w.page_id order by w.place`,
    [
      pick('id'),
      pick('visitorId'),
      pick('visitSessionId'),
      pick('location'),
      pick('title'),
      pick('platform'),
      pick('url'),
      pick('deviceId'),
    ],
    'write-pages',
  );
  return rows.map(({ secretGeneration, hasChatted, hasEnded, wantedId, ...visitor }) => ({
    visitor: visitor.id === null ? newVisitor(wantedId) : (visitor as Visitor),
    secretGeneration: secretGeneration ?? 0,
    hasChatted,
    hasEnded,
  }));
}

async function findKnownVisitors(database: Database, ids: readonly string[]): Promise<(KnownVisitor | undefined)[]> {
  const rows = await database.query<KnownVisitor & { id: string }>(
    `select id, secret_generation as "secretGeneration", ${IS_IDENTIFIED} as "isIdentified" from visitor where id = any($1::text[])`,
    [[...new Set(ids)]],
    'find-known-visitors',
  );
  const byId = new Map(rows.map(({ id, ...known }) => [id, known]));
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
