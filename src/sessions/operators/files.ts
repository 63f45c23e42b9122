/** A file of a chat, for an operator who may read it. */
import { ChatError } from '../../domain/error.ts';
import type { Operator } from '../../domain/operator.ts';
import type { FoundFile } from '../../ports/index.ts';
import type { Services } from '../services.ts';
import { readableChat } from './readable-chat.ts';

/** Throws `file-not-found`, and what `readableChat` throws. */
export async function operatorsFile(services: Services, guid: string, operator: Operator): Promise<FoundFile> {
  const file = await services.files.find(guid);
  if (file === undefined) throw new ChatError('not-found', 'file-not-found', 'there is no such file');
  await readableChat(services, operator, file.chatId);
  return file;
}
