/** Files up and down, for visitors (docs/protocol/visitor.md) and operators. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Request, type RequestHandler, type Response, Router } from 'express';
import type { FoundFile } from '../ports.ts';
import { ChatError } from '../domain/error.ts';
import { OPERATOR_STATUS, VISITOR_STATUS, visitorErrorBody } from '../protocol/error-codes.ts';
import { deleteFile, operatorsFile, visitorsFile } from '../sessions/downloads.ts';
import type { Login } from '../sessions/operator-logins.ts';
import { actingPage } from '../sessions/acting-page.ts';
import type { Services } from '../sessions/services.ts';
import { parametersOf } from './parameters.ts';
import { handle, sendJson } from './respond.ts';
import type { AddressOf } from './client-address.ts';
import type { UploadReader } from './upload-reader.ts';
import { authenticateVisitor } from './visitor-calls.ts';

/** What the name of the file is in the path plays no role. */
const GUID_AND_NAME = '/([0-9a-f]{32})(?:/[^/]*)?$';
const VISITOR_DOWNLOAD = new RegExp(`^/l/v/m/download${GUID_AND_NAME}`);
const OPERATOR_DOWNLOAD = new RegExp(`^/l/o/download${GUID_AND_NAME}`);
/** Links are good for minutes, and what is under a guid never changes. */
const CACHE_CONTROL = 'private, max-age=300';

export interface VisitorFileOptions {
  readonly services: Services;
  readonly uploads: UploadReader;
  readonly addressOf: AddressOf;
}

export function visitorFileRoutes({ services, uploads, addressOf }: VisitorFileOptions): Router {
  const routes = Router({ caseSensitive: true });

  routes.post(
    '/l/v/m/upload',
    handle((request, response) =>
      uploads.with(request, async ({ parameters, file }) => {
        const known = await authenticateVisitor(services, parameters);
        const pause = services.admission.visitorAction(known.visitorId);
        if (pause !== undefined) await pause;
        const page = await actingPage(services, { page: known, address: addressOf(request) }, { mayBeginChat: true });
        sendJson(response, { result: 'ok', data: await services.uploads.byVisitor(page, parameters.id('client-side-id'), file) });
      }),
    ),
  );

  routes.get(
    '/l/v/file-delete',
    handle(async (request, response) => {
      const parameters = parametersOf(request);
      const page = await authenticateVisitor(services, parameters);
      try {
        await deleteFile(services, page.visitorId, parameters.text('guid', { max: 100 }));
        sendJson(response, { result: 'ok' });
      } catch (error) {
        if (!(error instanceof ChatError)) throw error;
        sendJson(response, visitorErrorBody(error, page.platform), VISITOR_STATUS[error.code]);
      }
    }),
  );

  /** Asked by what shows pictures, not by an SDK's loops: errors have their HTTP status. */
  routes.get(
    VISITOR_DOWNLOAD,
    handle(async (request, response) => {
      try {
        const parameters = parametersOf(request);
        const file = await visitorsFile(services, guidOf(request), parameters);
        await sendFile(services, response, file, parameters.optionalText('thumb', { max: 20 }) !== undefined);
      } catch (error) {
        if (!(error instanceof ChatError) || response.headersSent) throw error;
        sendJson(response, visitorErrorBody(error), OPERATOR_STATUS[error.code]);
      }
    }),
  );
  return routes;
}

/** `asOperator`: runs with the login of the request. */
export function operatorFileRoutes(
  services: Services,
  uploads: UploadReader,
  asOperator: (run: (request: Request, response: Response, login: Login) => Promise<void>) => RequestHandler,
): Router {
  const routes = Router({ caseSensitive: true });

  routes.post(
    '/l/o/upload',
    asOperator((request, response, { operator }) =>
      uploads.with(request, async ({ parameters, file }) => {
        const chatId = parameters.key('chatId');
        const chat = services.replica.chats.get(chatId);
        if (chat === undefined) throw new ChatError('not-found', 'chat-not-found', `there is no open chat ${chatId}`);
        const target = { operatorId: operator.id, chatId, visitorId: chat.visitorId };
        sendJson(response, { result: 'ok', data: await services.uploads.byOperator(target, parameters.id('clientSideId'), file) });
      }),
    ),
  );

  routes.get(
    OPERATOR_DOWNLOAD,
    asOperator(async (request, response, { operator }) => {
      const file = await operatorsFile(services, guidOf(request), operator);
      await sendFile(services, response, file, parametersOf(request).optionalText('thumb', { max: 20 }) !== undefined);
    }),
  );
  return routes;
}

/** Nothing in a file may run on our site: it is never shown as a page. */
async function sendFile({ files }: Services, response: Response, file: FoundFile, asThumbnail: boolean): Promise<void> {
  response.set({ 'Cache-Control': CACHE_CONTROL, 'Content-Security-Policy': "default-src 'none'; sandbox" });
  const thumbnail = asThumbnail ? await files.readThumbnail(file.guid) : undefined;
  if (thumbnail !== undefined) {
    response.set('Content-Type', thumbnail.contentType).end(thumbnail.content);
    return;
  }
  response.attachment(file.filename);
  response.set({ 'Content-Type': file.contentType, 'Content-Length': String(file.size) });
  await streamTo(response, files.read(file.guid));
}

/** A reader who has gone is no error, and one who reads slowly is waited for. */
async function streamTo(response: ServerResponse, content: AsyncIterable<Buffer>): Promise<void> {
  try {
    await pipeline(Readable.from(content, { highWaterMark: 1 }), response);
  } catch (error) {
    if (!response.destroyed) throw error;
  }
}

function guidOf(request: IncomingMessage & { readonly params: Readonly<Record<string, string | string[]>> }): string {
  return String(request.params['0']);
}
