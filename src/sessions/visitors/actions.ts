/** The actions of a visitor, by name, for HTTP and WebSocket alike. Answers are `{result: "ok"}`; effects come as deltas. */
import { cutText } from '../../domain/text.ts';
import { addNote } from '../../commands/add-note.ts';
import { answerKeyboard } from '../../commands/answer-keyboard.ts';
import { deleteByVisitor, reactByVisitor } from '../../commands/change-message.ts';
import { changeVisitorFields, clearHistory } from '../../commands/change-visitor.ts';
import { setChatPage } from '../../commands/describe-chat.ts';
import { closeChatByVisitor } from '../../commands/leave-chat.ts';
import { rateOperator } from '../../commands/rate-operator.ts';
import { readByVisitor } from '../../commands/read-chat.ts';
import { type SaidByVisitor, sendVisitorMessage } from '../../commands/send-visitor-message.ts';
import { startChat } from '../../commands/start-chat.ts';
import { answerSurvey, cancelSurvey, type OwnSurvey } from '../../commands/survey.ts';
import { ChatError, type ErrorReason } from '../../domain/error.ts';
import type { Page, Visitor } from '../../domain/visitor.ts';
import { type Parameters, wrong } from '../../protocol/parameters.ts';
import { type Actor, actingPage, whereHeIs } from './acting-page.ts';
import type { Services } from '../services.ts';
import { openingOf, speakingOf } from './chat-for-message.ts';
import { readFields, readFieldsIfAny } from './fields.ts';
import { newNonce } from '../ids.ts';
import { MAX_DATA_LENGTH, readGuids, readMessage, readQuotedId } from '../message-parameters.ts';

type Action = (services: Services, page: Page, parameters: Parameters) => Promise<unknown>;

const MAX_DRAFT_LENGTH = 2_000;
const MAX_NOTE_LENGTH = 2_000;

const ACTIONS: Readonly<Record<string, Action>> = {
  // ---- the chat ---------------------------------------------------------------------------------------------------
  'chat.start': async (services, page, parameters) => {
    await addFields(services, page, { ...readFieldsIfAny(parameters, 'custom_fields'), ...readFieldsIfAny(parameters, 'visitor-fields') });
    await services.loop.execute(
      startChat({
        ...openingOf(services, page, { departmentKey: departmentOf(services, parameters), lang: langOf(parameters) }),
        clientSideId: parameters.id('client-side-id'),
        firstQuestion: firstQuestion(services, parameters),
        defaultMaxChats: services.limits.defaultMaxChats,
        nonce: newNonce(),
      }),
    );
  },

  'chat.close': (services, page) => services.loop.execute(closeChatByVisitor(page.visitorId)),

  'chat.read_by_visitor': (services, page) => services.loop.execute(readByVisitor(page.visitorId)),

  'chat.visitor_typing': (services, page, parameters) => {
    const typing = parameters.boolean('typing');
    const forget = parameters.optionalBoolean('del-message-draft') ?? false;
    const draft = parameters.optionalText('message-draft', { max: services.limits.maxMessageLength });
    const chat = services.replica.openChatOf(page.visitorId);
    if (chat !== undefined) {
      services.signal({
        type: 'visitor-typing',
        chatId: chat.id,
        typing,
        draft: forget ? '' : draft === undefined ? null : cutText(draft, MAX_DRAFT_LENGTH),
      });
    }
    return Promise.resolve();
  },

  'chat.operator_rate_select': async (services, page, parameters) => {
    const rating = parameters.integer('rate', { min: -2, max: 2 });
    const note = parameters.optionalText('visitor_note', { max: 100_000 }) ?? null;
    if (note !== null && note.length > MAX_NOTE_LENGTH) refuse('note-is-too-long', `at most ${MAX_NOTE_LENGTH} characters`);
    const chatId = await lastChatId(services, page);
    if (chatId === undefined) return refuse('no-chat', 'there is no chat to rate');
    const operatorId = parameters.optionalInteger('operator_id', { min: 1, max: Number.MAX_SAFE_INTEGER });
    return services.loop.execute(rateOperator({ visitorId: page.visitorId, chatId, operatorId, rating: { rating, note } }));
  },

  'chat.resolution_survey_select': () => refuse('rate-disabled', 'there is no such survey'),

  'survey.answer': async (services, page, parameters) => {
    const given = {
      formId: parameters.integer('form-id', { min: 0, max: Number.MAX_SAFE_INTEGER }),
      questionId: parameters.integer('question-id', { min: 0, max: 1_000 }),
      answer: parameters.text('answer', { max: 100_000 }),
    };
    await services.loop.execute(answerSurvey(await ownSurvey(services, page, parameters), given));
  },

  'survey.cancel': async (services, page, parameters) => services.loop.execute(cancelSurvey(await ownSurvey(services, page, parameters))),

  // ---- its messages -----------------------------------------------------------------------------------------------
  'chat.message': (services, page, parameters) => {
    const kind = parameters.optionalText('kind', { max: 50 });
    if (kind === 'file_visitor') return services.uploads.sendTogether(page, parameters.id('client-side-id'), readGuids(parameters));
    if (kind !== undefined && kind !== '' && kind !== 'visitor') refuse('wrong-message-kind', `messages of kind ${kind} cannot be sent`);
    return say(services, page, parameters, {
      kind: 'visitor',
      text: readMessage(parameters, services.limits.maxMessageLength),
      data: parameters.optionalJson('data', MAX_DATA_LENGTH) ?? null,
      quotedId: readQuotedId(parameters),
    });
  },

  sticker: (services, page, parameters) => {
    const stickerId = parameters.optionalInteger('sticker-id', { min: 0, max: Number.MAX_SAFE_INTEGER });
    if (stickerId === undefined) return refuse('no-sticker-id', 'sticker-id is missing');
    return say(services, page, parameters, { kind: 'sticker_visitor', text: '', data: { stickerId }, quotedId: undefined });
  },

  'chat.offline_message': async (services, page, parameters) => {
    await addFields(services, page, readFields(parameters, 'visitor-fields'));
    const text = readMessage(parameters, services.limits.maxMessageLength, 'text');
    return say(services, page, parameters, { kind: 'visitor', text, data: null, quotedId: undefined }, { offline: true });
  },

  'chat.delete_message': (services, page, parameters) =>
    services.loop.execute(deleteByVisitor(page.visitorId, parameters.id('client-side-id'))),

  /** Operators' messages are shown to visitors with our ids as theirs. */
  'chat.react_message': (services, page, parameters) => {
    const reaction = parameters.text('reaction', { max: 20 });
    if (reaction !== 'like' && reaction !== 'dislike') throw wrong('reaction', 'like or dislike is expected');
    return services.loop.execute(reactByVisitor(page.visitorId, parameters.id('client-side-id'), reaction));
  },

  'chat.keyboard_response': (services, page, parameters) => {
    const messageId = parameters.optionalId('request-message-id');
    const buttonId = parameters.optionalText('button-id', { max: 100 });
    if (messageId === undefined) return refuse('request-message-id-not-set', 'request-message-id is missing');
    if (buttonId === undefined) return refuse('button-id-not-set', 'button-id is missing');
    return services.loop.execute(
      answerKeyboard({ page, messageId, buttonId, defaultMaxChats: services.limits.defaultMaxChats, nonce: newNonce() }),
    );
  },

  // ---- the visitor ------------------------------------------------------------------------------------------------
  'chat.set_prechat_fields': (services, page, parameters) =>
    addFields(services, page, readFields(parameters, 'prechat-key-independent-fields')),

  'chat.cont_resp': async (services, page, parameters) => {
    const fields = readFields(parameters, 'visitor-fields') ?? {};
    await addFields(services, page, fields);
    if (services.replica.openChatOf(page.visitorId) === undefined) return;
    const text = Object.entries(fields)
      .map(([name, value]) => `${name}: ${value}`)
      .join('\n');
    const nonce = newNonce();
    const words = { clientSideId: `contacts-${nonce}`, kind: 'contacts' as const, text, data: fields, quotedId: undefined, nonce };
    await services.loop.execute(sendVisitorMessage(words, await speakingOf(services, page, { lang: langOf(parameters) })));
  },

  geo_response: async (services, page, parameters) => {
    const [latitude, longitude] = ['latitude', 'longitude'].map(name => Number(parameters.text(name, { max: 50 }))) as [number, number];
    if (!(Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180)) refuse('invalid-coordinates-received', 'degrees are expected');
    await addFields(services, page, { geo: `${latitude}, ${longitude}` });
  },

  'chat.clear_history': (services, page) => services.loop.execute(clearHistory(page.visitorId)),

  /** No mail is sent from here: his operator is asked to. */
  'chat.send_chat_history': (services, page, parameters) => {
    const text = `The visitor asks for the history of this chat: ${parameters.text('email', { max: 200 })}`;
    return services.loop.execute(addNote({ visitorId: page.visitorId, text, nonce: newNonce() }));
  },

  set_push_token: async (services, page, parameters) => {
    const token = parameters.text('push-token', { max: 4_096 });
    await services.pages.setPushToken(page.id, token === '' || token === 'none' ? null : token);
  },

  /** The widget says where he is by now; what apps say with it is of no use here. */
  'widget.update': async (services, page, parameters) => {
    if (!parameters.has('url') || services.replica.openChatOf(page.visitorId) === undefined) return;
    await services.loop.execute(setChatPage(page));
  },

  // ---- told, and of no use to anybody here ------------------------------------------------------------------------
  file_upload_progress: () => Promise.resolve(),
  'chat.action_request.call_sentry_action_request': () => Promise.resolve(),
};

/** They leave nothing, so that a page without rows stays one. */
const TRACELESS: readonly string[] = [
  'chat.visitor_typing',
  'file_upload_progress',
  'widget.update',
  'chat.action_request.call_sentry_action_request',
];
const MAY_BEGIN_CHATS: readonly string[] = ['chat.start', 'chat.message', 'chat.offline_message', 'sticker'];

/** Throws ChatError; an unknown action is `unknown-action`. */
export async function runVisitorAction(services: Services, actor: Actor, parameters: Parameters): Promise<object> {
  const name = parameters.text('action', { max: 100 });
  const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
  if (action === undefined) throw new ChatError('invalid', 'unknown-action', `there is no action '${name}'`);
  const pause = services.admission.visitorAction(actor.page.visitorId);
  if (pause !== undefined) await pause;
  const page = TRACELESS.includes(name) ? actor.page : await actingPage(services, actor, { mayBeginChat: MAY_BEGIN_CHATS.includes(name) });
  try {
    await action(services, whereHeIs(page, parameters), parameters);
  } catch (error) {
    throw survivable(error, name === 'chat.message' && parameters.has('quote'));
  }
  return { result: 'ok' };
}

/**
 * What published SDKs go on after (docs/protocol/visitor.md, section 5). A parameter that is missing would end an app's session, a wrong
 * one does not; and Android's call for a reply handles no error by itself.
 */
function survivable(error: unknown, isReply: boolean): unknown {
  if (!(error instanceof ChatError)) return error;
  const { code, reason, message, details } = error;
  if (reason === 'argument-missing') return wrong(details.argumentName ?? 'action', 'it is missing');
  const isRefusal = ['invalid', 'forbidden', 'not-found', 'conflict'].includes(code) && reason !== 'visitor-banned';
  return isReply && isRefusal ? wrong('message', message) : error;
}

async function say(
  services: Services,
  page: Page,
  parameters: Parameters,
  words: Omit<SaidByVisitor, 'clientSideId' | 'nonce'>,
  opening?: { readonly offline: boolean },
): Promise<unknown> {
  const said = { ...words, clientSideId: parameters.id('client-side-id'), nonce: newNonce() };
  return services.loop.execute(sendVisitorMessage(said, await speakingOf(services, page, { lang: langOf(parameters), ...opening })));
}

async function addFields({ loop }: Services, page: Page, fields: Visitor['fields'] | undefined): Promise<void> {
  if (fields !== undefined && Object.keys(fields).length > 0) await loop.execute(changeVisitorFields(page.visitorId, { told: fields }));
}

async function lastChatId({ replica, messages }: Services, { visitorId }: Page): Promise<number | undefined> {
  return replica.openChatOf(visitorId)?.id ?? (await messages.findLastChat(visitorId))?.id;
}

async function ownSurvey(services: Services, page: Page, parameters: Parameters): Promise<OwnSurvey> {
  const chatId = await lastChatId(services, page);
  if (chatId === undefined) return refuse('no-current-survey', 'there is no survey');
  return { visitorId: page.visitorId, chatId, surveyId: parameters.text('survey-id', { max: 100 }) };
}

function refuse(reason: ErrorReason, why: string): never {
  throw new ChatError('conflict', reason, why);
}

function firstQuestion(services: Services, parameters: Parameters): string | undefined {
  const text = parameters.optionalText('first-question', { max: services.limits.maxMessageLength });
  return text === undefined || text.trim() === '' ? undefined : text;
}

/** A department that is gone must not keep a visitor from chatting: chat.start answers ok or reinit-required, nothing else. */
function departmentOf({ replica }: Services, parameters: Parameters): string | null {
  const key = parameters.optionalText('department-key', { max: 100 });
  return key !== undefined && replica.departments.has(key) ? key : null;
}

function langOf(parameters: Parameters): string {
  return parameters.optionalText('lang', { max: 20 }) ?? '';
}
