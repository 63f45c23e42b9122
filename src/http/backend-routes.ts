/** Calls of the customer's own backend, which shows its key: `Authorization: Bearer <backend_key>`. */
import { timingSafeEqual } from 'node:crypto';
import { type Request, Router } from 'express';
import { ChatError } from '../domain/error.ts';
import type { Services } from '../sessions/services.ts';
import type { BodyReader } from './body-reader.ts';
import { parametersOf } from './parameters.ts';
import { handle, operatorErrors, sendJson } from './respond.ts';

const PATH = '/api/v2/rt';

export interface BackendRoutesOptions {
  readonly services: Services;
  readonly body: BodyReader;
  /** undefined: no backend may call. */
  readonly backendKey: string | undefined;
}

export function backendRoutes({ services, body, backendKey }: BackendRoutesOptions): Router {
  const routes = Router({ caseSensitive: true });

  routes.post(
    `${PATH}/provide_visitor_fields`,
    handle(async (request, response) => {
      refuseWithoutKey(request, backendKey);
      await services.identification.provide(parametersOf(request, await body.read(request, response)));
      sendJson(response, { result: 'ok' });
    }),
  );

  routes.use(PATH, operatorErrors(services.log));
  return routes;
}

function refuseWithoutKey(request: Request, backendKey: string | undefined): void {
  if (backendKey === undefined) throw new ChatError('forbidden', 'not-allowed', 'backend_key is not set in main.ini');
  const given = Buffer.from(request.headers.authorization ?? '');
  const right = Buffer.from(`Bearer ${backendKey}`);
  if (given.length !== right.length || !timingSafeEqual(given, right)) {
    throw new ChatError('unauthenticated', 'unauthorized', 'Authorization: Bearer <backend_key> is expected');
  }
}
