/** The actions of a visitor, by name, for HTTP and WebSocket alike. Answers are `{result: "ok"}`; effects come as deltas. */
import { closeChatByVisitor } from '../commands/leave-chat.ts';
import { readByVisitor } from '../commands/read-chat.ts';
import { sendVisitorMessage } from '../commands/send-visitor-message.ts';
import { startChat } from '../commands/start-chat.ts';
import { ChatError } from '../domain/error.ts';
import type { Page } from '../domain/visitor.ts';
import type { Parameters } from '../protocol/parameters.ts';
import type { Services } from './services.ts';
import { newNonce } from './visitor-pages.ts';

type Action = (services: Services, page: Page, parameters: Parameters) => Promise<unknown>;

const MAX_DATA_LENGTH = 100_000;
const MAX_DRAFT_LENGTH = 2_000;

const ACTIONS: Readonly<Record<string, Action>> = {
  'chat.start': (services, page, parameters) =>
    services.loop.execute(
      startChat({
        page,
        clientSideId: parameters.id('client-side-id'),
        departmentKey: departmentOf(services, parameters),
        lang: langOf(parameters),
        firstQuestion: firstQuestion(services, parameters),
        nonce: newNonce(),
      }),
    ),

  'chat.message': (services, page, parameters) => {
    const kind = parameters.optionalText('kind', { max: 50 });
    if (kind !== undefined && kind !== '' && kind !== 'visitor') {
      throw new ChatError('invalid', 'wrong-message-kind', `messages of kind ${kind} cannot be sent`);
    }
    const words = {
      clientSideId: parameters.id('client-side-id'),
      text: readMessage(parameters, services.limits.maxMessageLength),
      data: parameters.optionalJson('data', MAX_DATA_LENGTH) ?? null,
      nonce: newNonce(),
    };
    return services.loop.execute(sendVisitorMessage(words, { page, departmentKey: null, lang: langOf(parameters) }));
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
        draft: forget ? '' : (draft?.slice(0, MAX_DRAFT_LENGTH) ?? null),
      });
    }
    return Promise.resolve();
  },

  set_push_token: async (services, page, parameters) => {
    const token = parameters.text('push-token', { max: 4_096 });
    await services.pages.setPushToken(page.id, token === '' || token === 'none' ? null : token);
  },
};

/** Throws ChatError; an unknown action is `unknown-action`. */
export async function runVisitorAction(services: Services, page: Page, parameters: Parameters): Promise<object> {
  const name = parameters.text('action', { max: 100 });
  const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
  if (action === undefined) throw new ChatError('invalid', 'unknown-action', `there is no action '${name}'`);
  const pause = services.admission.visitorAction(page.visitorId);
  if (pause !== undefined) await pause;
  await action(services, page, parameters);
  return { result: 'ok' };
}

/** Errors as SDKs know them: `message_empty`, `max-message-length-exceeded`. */
export function readMessage(parameters: Parameters, maxLength: number): string {
  const text = parameters.text('message', { max: Number.MAX_SAFE_INTEGER });
  if (text.trim() === '') throw new ChatError('invalid', 'message-empty', 'the message is empty');
  if (text.length > maxLength) throw new ChatError('invalid', 'max-message-length-exceeded', `at most ${maxLength} characters`);
  return text;
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
