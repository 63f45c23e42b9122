/** A visitor's files: had by a link that their client has signed, if they are in their history, and taken back before they are sent. */
import { ChatError } from '../../domain/error.ts';
import { isShownToVisitors, visitorSender } from '../../domain/message.ts';
import { toSeconds } from '../../domain/time.ts';
import type { Page } from '../../domain/visitor.ts';
import type { FoundFile } from '../../ports/index.ts';
import { hmacSha256, isSameHex } from '../../protocol/hex-signature.ts';
import type { Parameters } from '../../protocol/parameters.ts';
import { MAX_PAGE_ID } from './rowless-page.ts';
import type { Services } from '../services.ts';

/** A link may be passed on, so it ends. SDKs make theirs for 300 s; the rest is for clocks that are wrong. */
const MAX_LIFE_SECONDS = 3_600;

/**
 * `hash` = HMAC-SHA256(auth-token, guid + expires), made by the client for any page of the visitor that lives.
 * Throws `unauthorized` for a link that is forged, has expired or would live for more than an hour, `file-not-found`.
 */
export async function visitorsFile(
  services: Services,
  guid: string,
  parameters: Parameters,
): Promise<{ readonly file: FoundFile; readonly page: Page }> {
  const { pages, files, nowUs } = services;
  const pageId = parameters.text('page-id', { max: MAX_PAGE_ID });
  const expires = parameters.text('expires', { max: 20, pattern: /^\d+(\.\d+)?$/ });
  const hash = parameters.text('hash', { max: 100 });
  const token = pages.tokenOf(pageId);
  if (!isSameHex(hash, hmacSha256(token, `${guid}${expires}`))) throw refused('the signature of this link is wrong');
  const leftSeconds = Number(expires) - toSeconds(nowUs());
  if (leftSeconds < 0) throw refused('this link has expired');
  if (leftSeconds > MAX_LIFE_SECONDS) throw refused('this link is to live for too long');
  const page = await pages.authenticate(pageId, token);
  const file = await files.find(guid);
  if (file?.visitorId !== page.visitorId || !isShownToVisitors(file.kind)) throw notFound();
  return { file, page };
}

/** Takes back what the visitor has uploaded and not sent. Throws `file-not-found`, `file-has-been-sent`. */
export async function deleteFile({ files }: Services, visitorId: string, guid: string): Promise<void> {
  const [unsent] = await files.findUnsent(visitorSender(visitorId), '', [guid]);
  if (unsent !== undefined && (await files.removeUnsent(guid))) return;
  const sent = await files.find(guid);
  if (sent?.visitorId !== visitorId || !isShownToVisitors(sent.kind)) throw notFound();
  throw new ChatError('conflict', 'file-has-been-sent', 'this file is part of a message');
}

function refused(why: string): ChatError {
  return new ChatError('forbidden', 'unauthorized', why);
}

function notFound(): ChatError {
  return new ChatError('not-found', 'file-not-found', 'there is no such file');
}
