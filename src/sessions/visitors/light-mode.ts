/**
 * iOS' light mode: an app that only wants to know whether there is something to read. `auth` opens a page and names it in one
 * token, `info` is asked every ten seconds, and an init with that token goes on as the same visitor.
 */
import { toSeconds } from '../../domain/time.ts';
import type { Page } from '../../domain/visitor.ts';
import type { Services } from '../services.ts';
import { type Arrival, openVisitorsPage } from './init.ts';
import { reinit } from './pages.ts';
import { ownVisitor } from './view.ts';

/** A page's id and its token, 32 hex digits each. */
const LIGHT_TOKEN = /^Bearer ([0-9a-f]{32})([0-9a-f]{32})$/i;

export async function authenticateLight(services: Services, arrival: Arrival): Promise<object> {
  const { page, visitor } = await openVisitorsPage(services, arrival, { mayBeRowless: false }); // its token names a page by 32 digits
  return {
    authToken: `${page.id}${services.pages.tokenOf(page.id)}`,
    visitor: JSON.stringify(ownVisitor(services, page, visitor.fields)),
  };
}

/** The page of an `Authorization` header; undefined when it is none of ours. Throws `reinit-required`. */
export async function lightPage({ pages }: Services, authorization: string | undefined): Promise<Page | undefined> {
  const [, pageId, token] = LIGHT_TOKEN.exec(authorization ?? '') ?? [];
  return pageId === undefined || token === undefined ? undefined : pages.authenticate(pageId.toLowerCase(), token.toLowerCase());
}

export async function lightInfo(services: Services, authorization: string | undefined): Promise<object> {
  const page = await lightPage(services, authorization);
  if (page === undefined) throw reinit();
  await services.admission.visitorRead(page.visitorId);
  const chat = services.replica.openChatOf(page.visitorId);
  const lastUs = chat?.lastTsUs ?? (await services.pages.findVisitor(page))?.visitor.lastTsUs ?? 0;
  return { unreadMessagesCount: chat?.unreadByVisitorMsgCnt ?? 0, historyLastChangeTs: toSeconds(lastUs) };
}
