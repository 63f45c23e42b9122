/** What admins see of the cluster and wish of it (docs/protocol/operator.md, section 7). Any node answers for all. */
import { type Request, type RequestHandler, type Response, Router } from 'express';
import type { ClusterDesk } from '../sessions/cluster-desk.ts';
import type { Login } from '../sessions/operator-logins.ts';
import type { BodyReader } from './body-reader.ts';
import { parametersOf } from './parameters.ts';
import { sendJson } from './respond.ts';

/** A wish is written down when it is answered, and done within a few heartbeats. */
const ACCEPTED = 202;

/** `asOperator`: runs with the login of the request. */
export function clusterRoutes(
  desk: ClusterDesk,
  body: BodyReader,
  asOperator: (run: (request: Request, response: Response, login: Login) => Promise<void>) => RequestHandler,
): Router {
  const routes = Router({ caseSensitive: true });

  routes.get(
    '/l/o/cluster',
    asOperator(async (_request, response, { operator }) => sendJson(response, await desk.look(operator))),
  );

  routes.post(
    '/l/o/cluster/promote',
    asOperator(async (request, response, { operator }) => {
      const parameters = parametersOf(request, await body.read(request, response));
      sendJson(response, await desk.promote(operator, parameters), ACCEPTED);
    }),
  );

  routes.post(
    '/l/o/cluster/handover',
    asOperator(async (_request, response, { operator }) => sendJson(response, await desk.handOver(operator), ACCEPTED)),
  );

  routes.post(
    '/l/o/cluster/drain',
    asOperator(async (request, response, { operator }) => {
      const parameters = parametersOf(request, await body.read(request, response));
      sendJson(response, await desk.drain(operator, parameters), ACCEPTED);
    }),
  );
  return routes;
}
