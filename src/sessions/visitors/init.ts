/**
 * A visitor's client arrives: finds or makes visitor and visit session, opens a new page with its own token, and
 * answers the full update. Older pages of the same device go on beside it. Who has done nothing yet, and proves to be nobody else, gets
 * a page without rows.
 */
import { endPages } from '../../commands/end-sessions.ts';
import { changeVisitorFields } from '../../commands/change-visitor.ts';
import { newVisitor, type Page, withTold } from '../../domain/visitor.ts';
import type { OpenedPage } from '../../ports/index.ts';
import type { Parameters } from '../../protocol/parameters.ts';
import { rowlessPage } from './rowless-page.ts';
import type { Services } from '../services.ts';
import { type Claim, provenClaim } from './claim.ts';
import { readFieldsIfAny } from './fields.ts';
import { newId } from '../ids.ts';
import { visitorFullUpdate } from './view.ts';

/** `address` as `addressKey`. `known`: the page of the light mode that it goes on from. */
export interface Arrival {
  readonly parameters: Parameters;
  readonly address: string;
  readonly known?: Page | undefined;
}

type Opened = OpenedPage & { readonly page: Page };

/** The frame to answer. Throws ChatError, also in the words of a wrong signature. */
export async function initVisitor(services: Services, arrival: Arrival): Promise<string> {
  const { page, ...opened } = await openVisitorsPage(services, arrival, { mayBeRowless: true });
  const { frame } = await visitorFullUpdate(services, page, opened);
  return frame;
}

/** A new page of the visitor that the parameters name and prove, or of a new one. */
export async function openVisitorsPage(
  services: Services,
  { parameters, address, known }: Arrival,
  { mayBeRowless }: { readonly mayBeRowless: boolean },
): Promise<Opened> {
  const { pages, identification, addressPaces, admission, newcomers, loop, nowUs } = services;
  addressPaces.arrival(address);
  const facts = readFacts(parameters, known);
  const { pushToken, ...shown } = facts;
  const told = readFieldsIfAny(parameters, 'prechat-key-independent-fields');
  const identified = await identification.identify(parameters, newId());
  const claim = identified !== undefined || known !== undefined ? undefined : await provenClaim(services, parameters, address);
  const visitorId = identified?.visitorId ?? known?.visitorId ?? claim?.visitorId;
  if (visitorId === undefined) addressPaces.newVisitor(address);
  else await admission.visitorInit(visitorId);

  const needsRows = identified !== undefined || known !== undefined || claim?.hasRow === true;
  if (mayBeRowless && !needsRows && pushToken === null && Object.keys(told).length === 0) {
    const opened = openWithoutRows(shown, claim, nowUs());
    if (claim !== undefined) tellOlderPages(services, opened.page); // who is new has none
    return opened;
  }
  if (!needsRows) addressPaces.beginning(address);

  const { location, title, platform, url, deviceId } = shown;
  const pageId = newId();
  const opened = await pages.open({
    ...shown,
    pageId,
    pushToken,
    visitorId: visitorId ?? newId(),
    newVisitSessionId: newId(),
    isIdentified: identified !== undefined,
  });
  const { visitor, visitSessionId, secretGeneration } = opened;
  pages.refuseBanned(visitor.ban);
  if (!opened.hasChatted) newcomers.add(visitor);
  if (opened.othersPages.length > 0) await loop.execute(endPages(opened.othersPages));
  const after = withTold(visitor, { told, signed: identified?.fields });
  if (after !== visitor) await loop.execute(changeVisitorFields(visitor.id, { told, signed: identified?.fields }));
  const page = { id: pageId, visitorId: visitor.id, visitSessionId, location, title, platform, url, deviceId, secretGeneration };
  tellOlderPages(services, page);
  return { ...opened, page, visitor: after };
}

/** An app that starts again finds the connection free that its older page holds. */
function tellOlderPages(services: Services, { id, visitorId, deviceId }: Page): void {
  if (deviceId !== '') services.signal({ type: 'page-opened', visitorId, deviceId, pageId: id });
}

/** Of a visitor who has none either. */
function openWithoutRows(
  { location, title, platform, url, deviceId }: Pick<Page, 'location' | 'title' | 'platform' | 'url' | 'deviceId'>,
  claim: Claim | undefined,
  nowUs: number,
): Opened {
  const visitorId = claim?.visitorId ?? newId();
  const page = rowlessPage({ id: newId(), visitorId, visitSessionId: newId(), location, title, platform, url, deviceId }, nowUs);
  return {
    page,
    visitor: newVisitor(visitorId),
    visitSessionId: page.visitSessionId,
    secretGeneration: 0,
    othersPages: [],
    chattedBefore: false,
    hasChatted: false,
    survey: null,
  };
}

function readFacts(parameters: Parameters, known: Page | undefined) {
  const pushToken = parameters.optionalText('push-token', { max: 4_096 });
  return {
    platform: parameters.optionalText('platform', { max: 50 }) ?? '',
    location: parameters.optionalText('location', { max: 200 }) ?? known?.location ?? 'default',
    title: parameters.optionalText('title', { max: 500 }) ?? known?.title ?? '',
    url: parameters.optionalText('url', { max: 2_000 }) ?? known?.url ?? '',
    deviceId: parameters.optionalText('device-id', { max: 200 }) ?? '',
    pushToken: pushToken === undefined || pushToken === '' || pushToken === 'none' ? null : pushToken,
    pushService: parameters.optionalText('push-service', { max: 20 }) ?? '',
    oldVisitSessionId: parameters.optionalText('visit-session-id', { max: 100 }) ?? known?.visitSessionId ?? '',
  };
}
