/**
 * A visitor's client arrives: finds or makes visitor and visit session, opens a new page with its own token, and
 * answers the full update. An older page of the same device ends.
 */
import { endPages } from '../commands/end-sessions.ts';
import { changeVisitorFields } from '../commands/change-visitor.ts';
import { areSameFields, isIdentified, type Page, withFields } from '../domain/visitor.ts';
import type { OpenedPage } from '../ports.ts';
import { type Parameters, wrong } from '../protocol/parameters.ts';
import type { Services } from './services.ts';
import { readFieldsIfAny } from './visitor-fields.ts';
import { newId } from './visitor-pages.ts';
import { visitorFullUpdate } from './visitor-session.ts';

const OUR_ID = /^[0-9a-f]{32}$/;

/** The frame to answer. `known`: his page in the light mode. Throws ChatError, also in the words of a wrong signature. */
export async function initVisitor(services: Services, parameters: Parameters, known?: Page): Promise<string> {
  const { page, ...opened } = await openVisitorsPage(services, parameters, known);
  const { frame } = await visitorFullUpdate(services, page, opened);
  return frame;
}

/** A new page of the visitor that the parameters name, or of a new one. */
export async function openVisitorsPage(
  services: Services,
  parameters: Parameters,
  known?: Page,
): Promise<OpenedPage & { readonly page: Page }> {
  const platform = parameters.optionalText('platform', { max: 50 }) ?? '';
  const location = parameters.optionalText('location', { max: 200 }) ?? known?.location ?? 'default';
  const title = parameters.optionalText('title', { max: 500 }) ?? known?.title ?? '';
  const url = parameters.optionalText('url', { max: 2_000 }) ?? known?.url ?? '';
  const deviceId = parameters.optionalText('device-id', { max: 200 }) ?? '';
  const pushToken = parameters.optionalText('push-token', { max: 4_096 });
  const pushService = parameters.optionalText('push-service', { max: 20 }) ?? '';
  const oldVisitSessionId = parameters.optionalText('visit-session-id', { max: 100 }) ?? known?.visitSessionId ?? '';
  const prechat = readFieldsIfAny(parameters, 'prechat-key-independent-fields');
  const identified = await services.identification.identify(parameters, newId());

  const open = async (visitorId: string): Promise<OpenedPage & { readonly page: Page }> => {
    const pageId = newId();
    const opened = await services.pages.open({
      pageId,
      visitorId,
      oldVisitSessionId,
      newVisitSessionId: newId(),
      location,
      title,
      platform,
      url,
      deviceId,
      pushService,
      pushToken: pushToken === undefined || pushToken === '' || pushToken === 'none' ? null : pushToken,
    });
    services.pages.refuseBanned(opened.visitor.ban);
    if (!opened.hasChatted) services.newcomers.add(opened.visitor);
    if (opened.replacedPageIds.length > 0) await services.loop.execute(endPages(visitorId, opened.replacedPageIds));
    return { ...opened, page: { id: pageId, visitorId, visitSessionId: opened.visitSessionId, location, title, platform, url } };
  };
  let opened = await open(identified?.visitorId ?? known?.visitorId ?? readVisitorId(parameters));
  if (identified === undefined && known === undefined && isIdentified(opened.visitor)) {
    // Who was signed in is not found again by his device's word alone: this is somebody new.
    await services.loop.execute(endPages(opened.page.visitorId, [opened.page.id]));
    opened = await open(newId());
  }
  const told = { ...prechat, ...identified?.fields };
  const fields = withFields(opened.visitor.fields, told);
  if (!areSameFields(fields, opened.visitor.fields)) await services.loop.execute(changeVisitorFields(opened.page.visitorId, told));
  return { ...opened, visitor: { ...opened.visitor, fields } };
}

/** The visitor object comes back as the text we once sent. An id that is not of our making begins a new visitor. */
function readVisitorId(parameters: Parameters): string {
  const visitor = parameters.optionalJson('visitor', 10_000);
  if (visitor === undefined) return newId();
  if (typeof visitor !== 'object' || visitor === null) throw wrong('visitor', 'a JSON object is expected');
  const id = 'id' in visitor ? visitor.id : undefined;
  return typeof id === 'string' && OUR_ID.test(id) ? id : newId();
}
