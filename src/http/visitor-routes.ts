/** The visitor protocol over HTTP (docs/protocol/visitor.md), as the published SDKs speak it. */
import { Router } from 'express';
import { ChatError } from '../domain/error.ts';
import { visitorHistory } from '../sessions/history.ts';
import type { Services } from '../sessions/services.ts';
import { parametersOf } from './parameters.ts';
import { handle, sendJson, visitorErrors } from './respond.ts';
import { allowAnySite, authenticateVisitor, type VisitorCalls } from './visitor-calls.ts';

export function visitorRoutes(services: Services, calls: VisitorCalls): Router {
  const routes = Router({ caseSensitive: true });

  routes.use(['/l/v', '/api/visitor'], (request, response, next) => {
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
      sendJson(response, await visitorHistory(services, await authenticateVisitor(services, parameters), parameters));
    }),
  );

  // A 404 here would stop an SDK's delta loop for ever: any location has an empty configuration.
  routes.get('/api/visitor/v1/configs/:location', (_request, response) => sendJson(response, { accountConfig: {}, locationSettings: {} }));

  routes.use(['/l/v', '/api/visitor'], (_request, _response, next) =>
    next(new ChatError('not-found', 'not-found', 'there is no such call')),
  );
  routes.use(visitorErrors(services.log));
  return routes;
}
