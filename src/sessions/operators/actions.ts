/** The actions of an operator, by name, for HTTP and WebSocket alike. */
import { closeChatByOperator, releaseChat } from '../../commands/leave-chat.ts';
import { changeByOperator, type MessageOfOperator } from '../../commands/change-message.ts';
import { readByOperator } from '../../commands/read-chat.ts';
import { sendOperatorMessage } from '../../commands/send-operator-message.ts';
import { takeChat } from '../../commands/take-chat.ts';
import { ownerOf } from '../../domain/chat.ts';
import { modeOf } from '../../domain/eligibility.ts';
import { ChatError } from '../../domain/error.ts';
import { hasFile } from '../../domain/message.ts';
import type { Operator } from '../../domain/operator.ts';
import { toSeconds } from '../../domain/time.ts';
import { type Parameters, wrong } from '../../protocol/parameters.ts';
import type { Replica } from '../../sync/replica.ts';
import { readButtons } from './keyboard-parameters.ts';
import { ACTION_RIGHTS, type ActionName, refuseOthers } from './rights.ts';
import type { Services } from '../services.ts';
import { type OperatorAction, readStatus, TEAM_ACTIONS } from './team-actions.ts';
import { newNonce } from '../ids.ts';
import { MAX_DATA_LENGTH, readMessage, readOperatorKind } from '../message-parameters.ts';

const ACTIONS: Readonly<Record<ActionName, OperatorAction>> = {
  'chat.take': ({ loop, limits, replica, rules }, operator, parameters) =>
    loop.execute(
      takeChat({
        operatorId: operator.id,
        chatId: parameters.key('chatId'),
        override: parameters.optionalBoolean('override') ?? false,
        defaultMaxChats: limits.defaultMaxChats,
        mode: modeOf(replica.chats.get(parameters.key('chatId'))?.departmentKey ?? null, rules.assignment),
      }),
    ),

  'chat.message': async ({ loop, limits, replica }, operator, parameters) => {
    const kind = readOperatorKind(parameters);
    const data = parameters.optionalJson('data', MAX_DATA_LENGTH) ?? null;
    if (kind === 'for_operator' && hasFile(data)) throw wrong('data', 'a file comes with an upload');
    const { answer, revision } = await loop.execute(
      sendOperatorMessage({
        operatorId: operator.id,
        chatId: parameters.key('chatId'),
        clientSideId: parameters.id('clientSideId'),
        kind,
        text: readMessage(parameters, limits.maxMessageLength),
        data,
        quoted: quotedBy(replica, parameters),
        defaultMaxChats: limits.defaultMaxChats,
        nonce: newNonce(),
      }),
    );
    return { answer: { id: answer.id, ts_m: answer.tsUs }, revision };
  },

  'chat.edit_message': ({ loop, limits, replica }, operator, parameters) =>
    loop.execute(changeByOperator(messageOf(replica, operator, parameters), readMessage(parameters, limits.maxMessageLength))),

  'chat.delete_message': ({ loop, replica }, operator, parameters) =>
    loop.execute(changeByOperator(messageOf(replica, operator, parameters), undefined)),

  'chat.keyboard': ({ loop, limits }, operator, parameters) =>
    loop.execute(
      sendOperatorMessage({
        operatorId: operator.id,
        chatId: parameters.key('chatId'),
        clientSideId: parameters.id('clientSideId'),
        kind: 'keyboard',
        text: readMessage(parameters, limits.maxMessageLength),
        data: { state: 'pending', buttons: readButtons(parameters) },
        defaultMaxChats: limits.defaultMaxChats,
        nonce: newNonce(),
      }),
    ),

  'chat.request_contacts': ({ loop, limits }, operator, parameters) => {
    const nonce = newNonce();
    return loop.execute(
      sendOperatorMessage({
        operatorId: operator.id,
        chatId: parameters.key('chatId'),
        clientSideId: parameters.optionalId('clientSideId') ?? nonce,
        kind: 'cont_req',
        text: '',
        data: null,
        defaultMaxChats: limits.defaultMaxChats,
        nonce,
      }),
    );
  },

  'chat.typing': ({ replica, signal }, operator, parameters) => {
    const chatId = parameters.key('chatId');
    const typing = parameters.boolean('typing');
    // The general error, so that a client learns of a chat it has lost; the signal itself may be lost.
    const chat = replica.chats.get(chatId);
    if (chat === undefined) throw new ChatError('not-found', 'chat-not-found', `there is no open chat ${chatId}`);
    if (ownerOf(chat) !== operator.id) throw new ChatError('forbidden', 'not-your-chat', `chat ${chatId} is not yours`);
    signal({ type: 'operator-typing', chatId, operatorId: operator.id, typing });
    return Promise.resolve({ answer: null, revision: undefined });
  },

  'chat.read': ({ loop }, operator, parameters) =>
    loop.execute(readByOperator({ operatorId: operator.id, chatId: parameters.key('chatId') })),

  'chat.close': ({ loop, survey }, operator, parameters) =>
    loop.execute(
      closeChatByOperator(
        { operatorId: operator.id, chatId: parameters.key('chatId') },
        survey === undefined ? undefined : { id: newNonce(), config: survey, answers: [], isCancelled: false },
      ),
    ),

  'chat.release': ({ loop }, operator, parameters) =>
    loop.execute(releaseChat({ operatorId: operator.id, chatId: parameters.key('chatId') })),

  ...TEAM_ACTIONS,
};

function visitorOf(replica: Replica, chatId: number): string {
  const chat = replica.chats.get(chatId);
  if (chat === undefined) throw new ChatError('not-found', 'chat-not-found', `there is no open chat ${chatId}`);
  return chat.visitorId;
}

function messageOf(replica: Replica, operator: Operator, parameters: Parameters): MessageOfOperator {
  const chatId = parameters.key('chatId');
  return { operatorId: operator.id, chatId, visitorId: visitorOf(replica, chatId), messageId: parameters.id('id') };
}

function quotedBy(replica: Replica, parameters: Parameters): { visitorId: string; messageId: string } | undefined {
  const messageId = parameters.optionalId('quote');
  return messageId === undefined ? undefined : { visitorId: visitorOf(replica, parameters.key('chatId')), messageId };
}

/** The answer `{result, revision?, data?}`. Throws ChatError. */
export async function runOperatorAction(services: Services, operator: Operator, parameters: Parameters): Promise<object> {
  const name = parameters.text('action', { max: 100 });
  if (!isAction(name)) throw new ChatError('invalid', 'unknown-action', `there is no action '${name}'`);
  refuseOthers(operator, ACTION_RIGHTS[name]);
  const { answer, revision } = await ACTIONS[name](services, operator, parameters);
  return {
    result: 'ok',
    ...(revision === undefined ? {} : { revision: String(revision) }),
    ...(answer === null ? {} : { data: answer }),
  };
}

function isAction(name: string): name is ActionName {
  return Object.hasOwn(ACTION_RIGHTS, name);
}

export async function setStatus(services: Services, operator: Operator, parameters: Parameters): Promise<object> {
  const { answer, revision } = await services.statusSetter.set(operator.id, readStatus(services, parameters));
  return {
    result: 'ok',
    data: { status: answer.status, statusTs: toSeconds(answer.statusUs), revision: String(revision ?? services.replica.revision) },
  };
}
