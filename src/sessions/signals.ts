/** Typing, and apps that start again: told to who is connected now, on this node and the others; no revision, not stored, may be lost. */
import { deviceTopic, hearersOf, pageTopic, visitorTopic } from '../domain/audience.ts';
import type { ClientSignal } from '../domain/signal.ts';
import { render } from '../protocol/delta.ts';
import { operatorTypingDelta, visitorTypingDelta } from '../protocol/operator-deltas.ts';
import { operatorTypingDelta as operatorTypingForVisitor } from '../protocol/visitor-deltas.ts';
import type { Replica } from '../sync/replica.ts';
import type { Hub } from './hub.ts';

/** Tells the sessions of this node. */
export function tellSignal(hub: Hub, replica: Replica, signal: ClientSignal): void {
  if (signal.type === 'page-opened') {
    hub.answerOthers(deviceTopic(signal.visitorId, signal.deviceId), pageTopic(signal.pageId));
    return;
  }
  const chat = replica.chats.get(signal.chatId);
  if (chat === undefined) return;
  const operators = hearersOf(chat, chat, replica.operators).map(hearer => hearer.topic);
  if (signal.type === 'visitor-typing') {
    hub.tell(operators, [render(visitorTypingDelta(chat.id, signal.typing, signal.draft))]);
  } else {
    hub.tell(operators, [render(operatorTypingDelta(chat.id, signal.operatorId, signal.typing))]);
    hub.tell([visitorTopic(chat.visitorId)], [render(operatorTypingForVisitor(chat.visitSessionId, signal.typing))]);
  }
}
