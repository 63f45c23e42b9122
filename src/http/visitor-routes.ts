/** The visitor protocol over HTTP (docs/protocol/visitor.md), as the published SDKs speak it. */
import { Router } from 'express';
import { ChatError } from '../domain/error.ts';
import type { Page } from '../domain/visitor.ts';
import type { Parameters } from '../protocol/parameters.ts';
import { visitorHistory } from '../sessions/history.ts';
import { poll } from '../sessions/poll.ts';
import { readSince, resumePoint, type Services } from '../sessions/services.ts';
import { runVisitorAction } from '../sessions/visitor-actions.ts';
import { initVisitor } from '../sessions/visitor-init.ts';
import { reinit } from '../sessions/visitor-pages.ts';
import { visitorView } from '../sessions/visitor-session.ts';
import { type BodyReader, parametersOf } from './parameters.ts';
import type { HeldPolls } from './held-polls.ts';
import { handle, sendJson, visitorErrors } from './respond.ts';

export function visitorRoutes({ services, held, body }: { services: Services; held: HeldPolls; body: BodyReader }): Router {
  const routes = Router({ caseSensitive: true });
  const { limits, hub } = services;

  // The widget runs on other sites. No cookie is used here, so any site may ask.
  routes.use(['/l/v', '/api/visitor'], (request, response, next) => {
    response.set('Access-Control-Allow-Origin', '*');
    if (request.method !== 'OPTIONS') return next();
    response.set('Access-Control-Allow-Methods', 'GET, POST').set('Access-Control-Allow-Headers', '*').status(204).end();
  });

  routes.get(
    ['/l/v/m/init', '/l/v/init'],
    handle(async (request, response) => sendJson(response, await initVisitor(services, parametersOf(request)))),
  );

  routes.get(
    ['/l/v/m/delta', '/l/v/delta'],
    handle(async (request, response) => {
      const parameters = parametersOf(request);
      if (parameters.optionalText('event', { max: 50 }) === 'init') return sendJson(response, await initVisitor(services, parameters));
      const page = await authenticate(services, parameters);
      const point = await resumePoint(services, readSince(parameters));
      const respondNow = parameters.optionalBoolean('respond-immediately') === true;
      const frame = await poll({
        hub,
        view: visitorView(services, page),
        ...point,
        holdMs: respondNow ? 0 : limits.pollHoldMs,
        whileHeld: giveUp => held.add(response, giveUp),
        ended: reinit,
      });
      sendJson(response, frame);
    }),
  );

  // SIM sends actions by GET too; parameters may stand in the query.
  routes.all(
    ['/l/v/m/action', '/l/v/action'],
    body,
    handle(async (request, response) => {
      if (request.method !== 'POST' && request.method !== 'GET') throw new ChatError('invalid', 'unknown-action', 'use POST');
      const parameters = parametersOf(request);
      const page = await authenticate(services, parameters);
      sendJson(response, await runVisitorAction(services, page, parameters));
    }),
  );

  routes.get(
    ['/l/v/m/history', '/l/v/history'],
    handle(async (request, response) => {
      const parameters = parametersOf(request);
      sendJson(response, await visitorHistory(services, await authenticate(services, parameters), parameters));
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

/** A page that is missing, unknown or has ended: init again. */
async function authenticate({ pages }: Services, parameters: Parameters): Promise<Page> {
  const pageId = parameters.optionalText('page-id', { max: 100 });
  const token = parameters.optionalText('auth-token', { max: 100 });
  if (pageId === undefined || token === undefined) throw reinit();
  return pages.authenticate(pageId, token);
}
