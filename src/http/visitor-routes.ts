/** The visitor protocol over HTTP (docs/protocol/visitor.md), as the published SDKs speak it. */
import { Router } from 'express';
import { ChatError } from '../domain/error.ts';
import { searchMessages, visitorHistory } from '../sessions/visitors/history.ts';
import { authenticateLight, lightInfo } from '../sessions/visitors/light-mode.ts';
import { type VisitorFileOptions, visitorFileRoutes } from './file-routes.ts';
import { parametersOf } from './parameters.ts';
import { handle, sendJson, visitorErrors } from './respond.ts';
import { sdkRoutes } from './sdk-routes.ts';
import { allowAnySite, authenticateVisitor, type VisitorCalls } from './visitor-calls.ts';

const VISITOR_PATHS = ['/l/v', '/api/visitor', '/services/faq', '/webim/api'];

export function visitorRoutes(calls: VisitorCalls, files: VisitorFileOptions): Router {
  const { services, addressOf } = files;
  const routes = Router({ caseSensitive: true });

  routes.use(VISITOR_PATHS, (request, response, next) => {
    allowAnySite(response);
    if (request.method !== 'OPTIONS') return next();
    response.set('Access-Control-Allow-Methods', 'GET, POST').set('Access-Control-Allow-Headers', '*').status(204).end();
  });

  routes.get(['/l/v/m/init', '/l/v/init'], handle(calls.init));
  routes.get(['/l/v/m/delta', '/l/v/delta'], handle(calls.delta));
  routes.all(['/l/v/m/action', '/l/v/action'], handle(calls.action));

  routes.get(
    ['/l/v/m/history', '/l/v/history'],
    handle(async (request, response) => {
      const parameters = parametersOf(request);
      const page = await authenticateVisitor(services, parameters);
      await calls.read(request, response, page, () => visitorHistory(services, page, parameters));
    }),
  );

  routes.get(
    '/l/v/m/search-messages',
    handle(async (request, response) => {
      const parameters = parametersOf(request);
      const page = await authenticateVisitor(services, parameters);
      await calls.read(request, response, page, () => searchMessages(services, page, parameters));
    }),
  );

  routes.post(
    '/l/v/m/auth',
    handle(async (request, response) =>
      sendJson(response, await authenticateLight(services, { parameters: parametersOf(request), address: addressOf(request) })),
    ),
  );
  routes.get(
    '/l/v/m/info',
    handle(async (request, response) => sendJson(response, await lightInfo(services, request.headers.authorization))),
  );

  routes.use(visitorFileRoutes(files));
  routes.use(sdkRoutes(services));

  routes.use(VISITOR_PATHS, (_request, _response, next) => next(new ChatError('not-found', 'not-found', 'there is no such call')));
  routes.use(visitorErrors(services.log));
  return routes;
}
