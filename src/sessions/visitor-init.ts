/**
 * A visitor's client arrives: finds or makes visitor and visit session, opens a new page with its own token, and
 * answers the full update. An older page of the same device ends.
 */
import { endPages } from '../commands/end-sessions.ts';
import type { Page } from '../domain/visitor.ts';
import { type Parameters, wrong } from '../protocol/parameters.ts';
import type { Services } from './services.ts';
import { newId } from './visitor-pages.ts';
import { visitorFullUpdate } from './visitor-session.ts';

const OUR_ID = /^[0-9a-f]{32}$/;

/** The frame to answer. */
export async function initVisitor(services: Services, parameters: Parameters): Promise<string> {
  const platform = parameters.optionalText('platform', { max: 50 }) ?? '';
  const location = parameters.optionalText('location', { max: 200 }) ?? 'default';
  const title = parameters.optionalText('title', { max: 500 }) ?? '';
  const deviceId = parameters.optionalText('device-id', { max: 200 }) ?? '';
  const pushToken = parameters.optionalText('push-token', { max: 4_096 });
  const visitorId = readVisitorId(parameters);
  const oldSession = parameters.optionalText('visit-session-id', { max: 100 });

  const pageId = newId();
  const opened = await services.pages.open({
    pageId,
    visitorId,
    oldVisitSessionId: oldSession ?? '',
    newVisitSessionId: newId(),
    location,
    title,
    platform,
    deviceId,
    pushToken: pushToken === undefined || pushToken === '' || pushToken === 'none' ? null : pushToken,
  });
  if (opened.replacedPageIds.length > 0) await services.loop.execute(endPages(visitorId, opened.replacedPageIds));
  const page: Page = { id: pageId, visitorId, visitSessionId: opened.visitSessionId, location, title };
  const { frame } = await visitorFullUpdate(services, page, opened);
  return frame;
}

/** The visitor object comes back as the text we once sent. An id that is not of our making begins a new visitor. */
function readVisitorId(parameters: Parameters): string {
  const visitor = parameters.optionalJson('visitor', 10_000);
  if (visitor === undefined) return newId();
  if (typeof visitor !== 'object' || visitor === null) throw wrong('visitor', 'a JSON object is expected');
  const id = 'id' in visitor ? visitor.id : undefined;
  return typeof id === 'string' && OUR_ID.test(id) ? id : newId();
}
