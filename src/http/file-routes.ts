/** Files up and down, for visitors (docs/protocol/visitor.md) and operators. */
import type { IncomingMessage } from 'node:http';
import { type Response, Router } from 'express';
import type { FoundFile } from '../ports/index.ts';
import { ChatError } from '../domain/error.ts';
import type { Page } from '../domain/visitor.ts';
import type { Parameters } from '../protocol/parameters.ts';
import { OPERATOR_STATUS, VISITOR_STATUS, visitorErrorBody } from '../protocol/error-codes.ts';
import { operatorsFile } from '../sessions/operators/files.ts';
import { deleteFile, visitorsFile } from '../sessions/visitors/files.ts';
import { actingPage, whereHeIs } from '../sessions/visitors/acting-page.ts';
import { uploadByOperator } from '../sessions/operators/uploads.ts';
import type { Services } from '../sessions/services.ts';
import type { AddressOf } from './client-address.ts';
import type { OperatorCalls } from './operator-calls.ts';
import { parametersOf } from './parameters.ts';
import { handle, sendJson } from './respond.ts';
import type { Reader } from './byte-pace.ts';
import type { UnreadAnswers } from './unread-answers.ts';
import type { UploadReader } from './upload-reader.ts';
import type { Uploader } from './upload-slots.ts';
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
  readonly unread: UnreadAnswers;
  readonly addressOf: AddressOf;
}

export function visitorFileRoutes({ services, uploads, unread, addressOf }: VisitorFileOptions): Router {
  const routes = Router({ caseSensitive: true });

  /** Who sends an upload, asked for again as more of it comes: always the same page. */
  const sameSender = (): ((parameters: Parameters) => Promise<Page>) => {
    let before: string | undefined;
    return async parameters => {
      const page = await authenticateVisitor(services, parameters);
      if (before !== undefined && page.id !== before)
        throw new ChatError('invalid', 'wrong-argument-value', 'the upload names two pages', { argumentName: 'page-id' });
      before = page.id;
      return page;
    };
  };

  routes.post(
    '/l/v/m/upload',
    handle(async (request, response) => {
      const address = addressOf(request);
      const pageOf = sameSender();
      /** By the credentials that came before the file; without any it is not known until all is read. */
      const identify = async (parameters: Parameters): Promise<Uploader> => {
        if (!parameters.has('page-id') || !parameters.has('auth-token')) return { kind: 'unknown', address };
        return { kind: 'visitor', id: (await pageOf(parameters)).visitorId, address };
      };
      const inQuery = parametersOf(request);
      const first: Uploader = inQuery.has('page-id') ? await identify(inQuery) : { kind: 'head', address };
      await uploads.with(request, { first, identify }, async ({ parameters, file }) => {
        const known = await pageOf(parameters);
        const pause = services.admission.visitorAction(known.visitorId);
        if (pause !== undefined) await pause;
        const page = await actingPage(services, { page: known, address }, { mayBeginChat: true });
        const here = whereHeIs(page, parameters);
        sendJson(response, { result: 'ok', data: await services.uploads.byVisitor(here, parameters.id('client-side-id'), file) });
      });
    }),
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
        const { file, page } = await visitorsFile(services, guidOf(request), parameters);
        await services.admission.visitorRead(page.visitorId);
        const reader = { kind: 'visitor', id: page.visitorId, address: addressOf(request) } as const;
        await sendFile({ services, unread }, response, reader, file, parameters.optionalText('thumb', { max: 20 }) !== undefined);
      } catch (error) {
        if (!(error instanceof ChatError) || response.headersSent) throw error;
        sendJson(response, visitorErrorBody(error), OPERATOR_STATUS[error.code]);
      }
    }),
  );
  return routes;
}

export function operatorFileRoutes({ services, uploads, unread }: Omit<VisitorFileOptions, 'addressOf'>, call: OperatorCalls): Router {
  const routes = Router({ caseSensitive: true });
  call(routes, 'POST /l/o/upload', (request, response, login) => {
    const { operator } = login;
    const first = { kind: 'operator', id: String(operator.id) } as const;
    return uploads.with(request, { first, identify: () => Promise.resolve(first) }, async ({ parameters, file }) => {
      const from = { address: parametersOf(request), parts: parameters };
      const { operator: sender } = await services.logins.again(login); // a file may take minutes
      sendJson(response, await uploadByOperator(services, sender, from, file));
    });
  });
  call(
    routes,
    'GET /l/o/download',
    async (request, response, { operator }) => {
      const file = await operatorsFile(services, guidOf(request), operator);
      const reader = { kind: 'operator', id: String(operator.id), address: undefined } as const;
      await sendFile({ services, unread }, response, reader, file, parametersOf(request).optionalText('thumb', { max: 20 }) !== undefined);
    },
    OPERATOR_DOWNLOAD,
  );
  return routes;
}

/** Nothing in a file may run on our site: it is never shown as a page. A reader who has gone is no error. */
async function sendFile(
  { services: { files }, unread }: Pick<VisitorFileOptions, 'services' | 'unread'>,
  response: Response,
  reader: Reader,
  file: FoundFile,
  asThumbnail: boolean,
): Promise<void> {
  response.set({ 'Cache-Control': CACHE_CONTROL, 'Content-Security-Policy': "default-src 'none'; sandbox" });
  const thumbnail = asThumbnail ? await files.readThumbnail(file.guid) : undefined;
  if (thumbnail !== undefined) {
    response.set('Content-Type', thumbnail.contentType).end(thumbnail.content);
    return;
  }
  await unread.stream(response, reader, files.read(file.guid), () => {
    response.attachment(file.filename);
    response.set({ 'Content-Type': file.contentType, 'Content-Length': String(file.size) });
  });
}

function guidOf(request: IncomingMessage & { readonly params: Readonly<Record<string, string | string[]>> }): string {
  return String(request.params['0']);
}
