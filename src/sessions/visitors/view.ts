/** What a visitor's page sees: the full update, and the view that polls and WebSockets stream from. */
import { ALL_VISITORS, deviceTopic, pageTopic, type Topic, visitorTopic } from '../../domain/audience.ts';
import type { Revision } from '../../domain/change.ts';
import { isIdentified, newVisitor, type Page, type Visitor } from '../../domain/visitor.ts';
import type { PageVisitor } from '../../ports/index.ts';
import { fullUpdateFrame, type RenderedDelta } from '../../protocol/delta.ts';
import { surveyObject, visitorChat, visitorFull, visitorSelf, visitSessionState } from '../../protocol/visitor-objects.ts';
import { visitorMessages } from '../../delivery/renderings.ts';
import type { Services } from '../services.ts';
import type { Resync, StreamView } from '../../delivery/stream.ts';
import { reinit } from './pages.ts';

/** A class and not an object of functions: there is one for each connection. */
export class VisitorView implements StreamView {
  readonly #services: Services;
  readonly #page: Page;

  constructor(services: Services, page: Page) {
    this.#services = services;
    this.#page = page;
  }

  get topics(): readonly Topic[] {
    const { id, visitorId, deviceId } = this.#page;
    return [visitorTopic(visitorId), pageTopic(id), ALL_VISITORS, ...(deviceId === '' ? [] : [deviceTopic(visitorId, deviceId)])];
  }

  fullUpdate(resync: Resync | undefined): Promise<{ readonly revision: Revision; readonly frame: string }> {
    return visitorFullUpdate(this.#services, this.#page, undefined, resync);
  }

  derivedSince(since: Revision): readonly RenderedDelta[] {
    return this.#services.derived.visitorsSince(since);
  }
}

/** What his device keeps and gives back to prove who he is. */
export function ownVisitor({ secrets }: Services, { visitorId, secretGeneration }: Page, fields: Visitor['fields']): object {
  return visitorSelf(visitorId, isIdentified({ fields }) ? undefined : secrets.secretOf(visitorId, secretGeneration), fields);
}

/** `known` saves a look-up right after init; with an open chat none is needed: its header has all that is shown of the visitor. */
export async function visitorFullUpdate(
  services: Services,
  page: Page,
  known: PageVisitor | undefined,
  resync?: Resync,
): Promise<{ revision: number; frame: string }> {
  const { hub, replica, derived, messages, pages, helloMessage } = services;
  const found = known ?? (replica.openChatOf(page.visitorId) === undefined ? await findVisitor(services, page) : undefined);
  // From here on everything is as of this revision; texts newer than the chat's header are left out.
  const revision = hub.revision;
  const chat = replica.openChatOf(page.visitorId);
  if (chat === undefined && found === undefined) throw reinit();
  const operator = chat?.operatorId == null ? undefined : replica.operators.get(chat.operatorId);
  const onlineStatus = derived.onlineStatus(null);
  const departments = derived.departmentsForVisitors();
  const shown = chat === undefined ? [] : await visitorMessages(messages, chat);
  const fields = chat?.visitorFields ?? found?.visitor.fields ?? {};
  const fullUpdate = {
    pageId: page.id,
    authToken: pages.tokenOf(page.id),
    visitSessionId: page.visitSessionId,
    visitor: ownVisitor(services, page, fields),
    visitorFull: visitorFull(page.visitorId, fields),
    state: visitSessionState(chat, found?.chattedBefore === true),
    onlineStatus,
    onlineOperators: onlineStatus !== 'offline',
    chat: chat === undefined ? null : visitorChat(chat, operator, shown),
    queue: chat === undefined ? null : (derived.placeOf(chat) ?? null),
    departments,
    historyRevision: chat?.lastTsUs ?? found?.visitor.lastTsUs ?? 0,
    hintsEnabled: false,
    showHelloMessage: helloMessage !== '',
    chatStartAfterMessage: helloMessage !== '',
    helloMessageDescr: helloMessage,
    survey: chat !== undefined || found?.survey == null ? null : surveyObject(found.survey),
  };
  return { revision, frame: fullUpdateFrame(revision, JSON.stringify(fullUpdate), resync) };
}

/** One without rows has done nothing yet, unless it was on another page meanwhile. */
async function findVisitor({ pages }: Services, page: Page): Promise<PageVisitor | undefined> {
  const found = await pages.findVisitor(page);
  if (found !== undefined || page.rowless === undefined) return found;
  return { visitor: newVisitor(page.visitorId), chattedBefore: false, hasChatted: false, survey: null };
}
