/** Who may have a file: the visitor in whose history it is, by a link that his client has signed; operators who may read the chat. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { ChatError } from '../domain/error.ts';
import { isShownToVisitors, visitorSender } from '../domain/message.ts';
import type { Operator } from '../domain/operator.ts';
import { toSeconds } from '../domain/time.ts';
import type { Page } from '../domain/visitor.ts';
import type { FoundFile } from '../ports.ts';
import type { Parameters } from '../protocol/parameters.ts';
import { readableChat } from './readable-chat.ts';
import type { Services } from './services.ts';

/**
 * `hash` = HMAC-SHA256(auth-token, guid + expires), made by the client for any page of the visitor that lives.
 * Throws `unauthorized` for a link that is forged or has expired, `file-not-found`.
 */
export async function visitorsFile(
  services: Services,
  guid: string,
  parameters: Parameters,
): Promise<{ readonly file: FoundFile; readonly page: Page }> {
  const { pages, files, nowUs } = services;
  const pageId = parameters.text('page-id', { max: 100 });
  const expires = parameters.text('expires', { max: 20, pattern: /^\d+(\.\d+)?$/ });
  const hash = parameters.text('hash', { max: 100 }).toLowerCase();
  const token = pages.tokenOf(pageId);
  const right = createHmac('sha256', token).update(`${guid}${expires}`).digest('hex');
  if (!isSame(hash, right)) throw refused('the signature of this link is wrong');
  if (Number(expires) < toSeconds(nowUs())) throw refused('this link has expired');
  const page = await pages.authenticate(pageId, token);
  const file = await files.find(guid);
  if (file?.visitorId !== page.visitorId || !isShownToVisitors(file.kind)) throw notFound();
  return { file, page };
}

export async function operatorsFile(services: Services, guid: string, operator: Operator): Promise<FoundFile> {
  const file = await services.files.find(guid);
  if (file === undefined) throw notFound();
  await readableChat(services, operator, file.chatId);
  return file;
}

/** Takes back what the visitor has uploaded and not sent. Throws `file-not-found`, `file-has-been-sent`. */
export async function deleteFile({ files }: Services, visitorId: string, guid: string): Promise<void> {
  const [unsent] = await files.findUnsent(visitorSender(visitorId), '', [guid]);
  if (unsent !== undefined && (await files.removeUnsent(guid))) return;
  const sent = await files.find(guid);
  if (sent?.visitorId !== visitorId || !isShownToVisitors(sent.kind)) throw notFound();
  throw new ChatError('conflict', 'file-has-been-sent', 'this file is part of a message');
}

function isSame(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

function refused(why: string): ChatError {
  return new ChatError('forbidden', 'unauthorized', why);
}

function notFound(): ChatError {
  return new ChatError('not-found', 'file-not-found', 'there is no such file');
}
