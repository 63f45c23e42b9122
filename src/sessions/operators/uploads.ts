/**
 * A file that an operator sends: into which chat, and as what. Called by http when the file has come; it looks at the parameters
 * of the address and at the parts of the form, which may stand in any order. It never sends as an answer what either of
 * them calls a note.
 */
import { ChatError } from '../../domain/error.ts';
import type { Operator } from '../../domain/operator.ts';
import type { Parameters } from '../../protocol/parameters.ts';
import type { Services } from '../services.ts';
import type { ReceivedFile } from '../uploads.ts';
import { readOperatorKind } from '../message-parameters.ts';

/** The answer `{result, data}`. Throws ChatError. */
export async function uploadByOperator(
  { replica, uploads }: Services,
  operator: Operator,
  { address, parts }: { readonly address: Parameters; readonly parts: Parameters },
  file: ReceivedFile,
): Promise<object> {
  const kind = [address, parts].map(readOperatorKind).includes('for_operator') ? 'for_operator' : 'operator';
  const chatId = whereGiven('chatId', address, parts).key('chatId');
  const clientSideId = whereGiven('clientSideId', address, parts).id('clientSideId');
  const chat = replica.chats.get(chatId);
  if (chat === undefined) throw new ChatError('not-found', 'chat-not-found', `there is no open chat ${chatId}`);
  const target = { operatorId: operator.id, chatId, visitorId: chat.visitorId };
  return { result: 'ok', data: await uploads.byOperator(target, { clientSideId, kind }, file) };
}

function whereGiven(name: string, address: Parameters, parts: Parameters): Parameters {
  return address.has(name) ? address : parts;
}
