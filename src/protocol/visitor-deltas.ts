/**
 * A change as its visitor hears it (docs/protocol/visitor.md 4). CHAT comes before CHAT_MESSAGE: SDKs show live messages
 * only inside a chat they know. Chat level items carry the visit session as id.
 */
import type { Change } from '../domain/change.ts';
import { type Chat, isOpen } from '../domain/chat.ts';
import { visibleState } from '../domain/chat-states.ts';
import { isFromVisitor, isShownToVisitors, type Message } from '../domain/message.ts';
import type { Operator } from '../domain/operator.ts';
import { currentQuestion, type Survey } from '../domain/survey.ts';
import { toSecondsOrNull } from '../domain/time.ts';
import type { Delta } from './delta.ts';
import { operatorRate, surveyObject, visitorChat, visitorMessage, visitorFull, visitorOperator } from './visitor-objects.ts';

/** Rows as `apply` left them; `operator` is the one of the chat after the change. */
export interface VisitorView {
  readonly before: Chat | undefined;
  readonly after: Chat | undefined;
  readonly operator: Operator | undefined;
}

export function visitorDeltas(change: Change, view: VisitorView): Delta[] {
  const { before, after, operator } = view;
  const upd = (objectType: string, data: unknown): Delta => ({ objectType, event: 'upd', id: after?.visitSessionId ?? '', data });
  switch (change.type) {
    case 'chat-opened':
      return openedDeltas(change.chat, operator, []);
    case 'message-added':
      if (!isShownToVisitors(change.message.kind)) return [];
      return [
        { objectType: 'CHAT_MESSAGE', event: 'add', id: change.message.id, data: visitorMessage(change.message, false) },
        ...(isFromVisitor(change.message) ? unreadByOperator(before, after, upd) : unreadByVisitor(after, upd)),
        historyRevision(change.message),
      ];
    case 'message-edited':
      if (!isShownToVisitors(change.message.kind)) return [];
      return [
        change.message.deleted
          ? { objectType: 'CHAT_MESSAGE', event: 'del', id: change.message.id, data: null }
          : {
              objectType: 'CHAT_MESSAGE',
              event: 'upd',
              id: change.message.id,
              data: visitorMessage(change.message, isRead(change.message, after)),
            },
        ...(before?.unreadByVisitorMsgCnt === after?.unreadByVisitorMsgCnt ? [] : unreadByVisitor(after, upd)),
        historyRevision(change.message),
      ];
    case 'chat-moved':
      return moveDeltas(view, upd);
    case 'chat-read-by-operator':
      return [
        ...change.messageIds.map((id): Delta => ({ objectType: 'MESSAGE_READ', event: 'upd', id, data: true })),
        upd('CHAT_UNREAD_BY_OPERATOR_SINCE_TS', null),
      ];
    case 'chat-read-by-visitor':
      return [upd('UNREAD_BY_VISITOR', { sinceTs: 0, msgCnt: 0 }), upd('CHAT_READ_BY_VISITOR', true)];
    case 'chat-rated':
      return [upd('OPERATOR_RATE', operatorRate(change.operatorId, change.rating.rating))];
    case 'survey-changed':
      return surveyDelta(change.survey, upd);
    case 'visitor-changed':
      return [upd('VISITOR_FULL', visitorFull(change.visitorId, change.fields))];
    case 'chat-described':
    case 'visitor-banned':
    case 'operator-status-set':
    case 'operator-saved':
    case 'department-saved':
    case 'page-ended':
    case 'operator-sessions-ended':
      return [];
  }
}

/** Nothing, where only operators see a difference. */
function moveDeltas({ before, after, operator }: VisitorView, upd: Upd): Delta[] {
  if (before === undefined || after === undefined) return [];
  if (!isOpen(after)) return [upd('CHAT_STATE', after.state), upd('VISIT_SESSION_STATE', 'idle-after-chat')];
  const state = visibleState(after.state);
  return [
    ...(before.operatorId === after.operatorId ? [] : [upd('CHAT_OPERATOR', operator === undefined ? null : visitorOperator(operator))]),
    ...(visibleState(before.state) === state ? [] : [upd('CHAT_STATE', state)]),
  ];
}

/** His chat with its messages: it begins, or goes on after it was closed. */
export function openedDeltas(chat: Chat, operator: Operator | undefined, messages: readonly object[]): Delta[] {
  const upd = (objectType: string, data: unknown): Delta => ({ objectType, event: 'upd', id: chat.visitSessionId, data });
  const ended = chat.messageCount > 0 ? [upd('SURVEY', null)] : [];
  return [...ended, upd('CHAT', visitorChat(chat, operator, messages)), upd('VISIT_SESSION_STATE', 'chat')];
}

export function operatorTypingDelta(visitSessionId: string, typing: boolean): Delta {
  return { objectType: 'CHAT_OPERATOR_TYPING', event: 'upd', id: visitSessionId, data: typing };
}

type Upd = (objectType: string, data: unknown) => Delta;

function unreadByOperator(before: Chat | undefined, after: Chat | undefined, upd: Upd): Delta[] {
  if (after === undefined || before?.unreadByOperatorSinceUs === after.unreadByOperatorSinceUs) return [];
  return [upd('CHAT_UNREAD_BY_OPERATOR_SINCE_TS', toSecondsOrNull(after.unreadByOperatorSinceUs))];
}

function unreadByVisitor(after: Chat | undefined, upd: Upd): Delta[] {
  if (after === undefined) return [];
  return [
    upd('UNREAD_BY_VISITOR', { sinceTs: toSecondsOrNull(after.unreadByVisitorSinceUs) ?? 0, msgCnt: after.unreadByVisitorMsgCnt }),
    upd('CHAT_READ_BY_VISITOR', after.readByVisitor),
  ];
}

/** SDKs step on by themselves from question to question: they are told of the beginning and the end. */
function surveyDelta(survey: Survey, upd: Upd): Delta[] {
  if (currentQuestion(survey) === undefined) return [upd('SURVEY', null)];
  return survey.answers.length === 0 ? [upd('SURVEY', surveyObject(survey))] : [];
}

/** SDKs ask for the history when this differs from what they have. */
function historyRevision(message: Message): Delta {
  return { objectType: 'HISTORY_REVISION', event: 'upd', id: message.visitorId, data: { revision: String(message.changedUs) } };
}

function isRead(message: Message, chat: Chat | undefined): boolean {
  return isFromVisitor(message) && chat !== undefined && message.tsUs <= chat.readByOperatorUs;
}
