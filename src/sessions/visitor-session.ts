/** What a visitor's page sees: the full update, and the view that polls and WebSockets stream from. */
import { ALL_VISITORS, pageTopic, visitorTopic } from '../domain/audience.ts';
import { isHiddenFromVisitor } from '../domain/message.ts';
import type { Page } from '../domain/visitor.ts';
import type { PageVisitor } from '../ports.ts';
import { fullUpdateFrame } from '../protocol/delta.ts';
import { visitorChat, visitorMessage, visitorSelf, visitSessionState } from '../protocol/visitor-objects.ts';
import type { Services } from './services.ts';
import type { Resync, StreamView } from './stream.ts';
import { reinit } from './visitor-pages.ts';

/** Messages of the current chat in a full update; older ones are in the history. */
const FULL_UPDATE_MESSAGES = 100;

export function visitorView(services: Services, page: Page): StreamView {
  return {
    topics: [visitorTopic(page.visitorId), pageTopic(page.id), ALL_VISITORS],
    fullUpdate: resync => visitorFullUpdate(services, page, undefined, resync),
    derivedSince: since => services.derived.visitorsSince(since),
  };
}

/** `known` saves a look-up right after init. */
export async function visitorFullUpdate(
  services: Services,
  page: Page,
  known: PageVisitor | undefined,
  resync?: Resync,
): Promise<{ revision: number; frame: string }> {
  const { hub, replica, derived, messages, pages } = services;
  const found = known ?? (await pages.findVisitor(page));
  if (found === undefined) throw reinit();
  // From here on everything is as of this revision; texts newer than the chat's header are left out.
  const revision = hub.revision;
  const chat = replica.openChatOf(page.visitorId);
  const operator = chat?.operatorId == null ? undefined : replica.operators.get(chat.operatorId);
  const onlineStatus = derived.onlineStatus(null);
  const departments = derived.departmentsForVisitors();
  const list =
    chat?.lastMessage == null
      ? []
      : await messages.listOfChat({
          chatId: chat.id,
          visitorId: chat.visitorId,
          upToUs: chat.lastMessage.tsUs,
          limit: FULL_UPDATE_MESSAGES,
        });
  const shown = list.filter(message => !isHiddenFromVisitor(message)).map(message => visitorMessage(message, message.read));
  const fullUpdate = {
    pageId: page.id,
    authToken: pages.tokenOf(page.id),
    visitSessionId: page.visitSessionId,
    visitor: visitorSelf(found.visitor),
    state: visitSessionState(chat, found.chattedBefore),
    onlineStatus,
    onlineOperators: onlineStatus !== 'offline',
    chat: chat === undefined ? null : visitorChat(chat, operator, shown),
    departments,
    historyRevision: Math.max(found.visitor.lastTsUs, chat?.lastMessage?.tsUs ?? 0),
    hintsEnabled: false,
    showHelloMessage: false,
    chatStartAfterMessage: false,
    helloMessageDescr: '',
    survey: null,
  };
  return { revision, frame: fullUpdateFrame(revision, JSON.stringify(fullUpdate), resync) };
}
