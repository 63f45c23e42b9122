/** What admins see of the cluster and wish of it (docs/protocol/operator.md, section 7). Any node answers for all. */
import { Router } from 'express';
import type { Services } from '../sessions/services.ts';
import type { BodyReader } from './body-reader.ts';
import { type OperatorCalls, withBody } from './operator-calls.ts';
import { sendJson } from './respond.ts';

/** A wish is written down when it is answered, and done within a few heartbeats. */
const ACCEPTED = 202;

export function clusterRoutes(services: Services, body: BodyReader, call: OperatorCalls): Router {
  const routes = Router({ caseSensitive: true });
  const desk = services.clusterAdmin;
  call(routes, 'GET /l/o/cluster', async (_request, response) => sendJson(response, await desk.look()));
  call(
    routes,
    'POST /l/o/cluster/promote',
    withBody(services, body, async ({ operator }, parameters, response) => {
      sendJson(response, await desk.promote(operator, parameters), ACCEPTED);
    }),
  );
  call(routes, 'POST /l/o/cluster/handover', async (_request, response, { operator }) =>
    sendJson(response, await desk.handOver(operator), ACCEPTED),
  );
  call(
    routes,
    'POST /l/o/cluster/drain',
    withBody(services, body, async ({ operator }, parameters, response) => {
      sendJson(response, await desk.drain(operator, parameters), ACCEPTED);
    }),
  );
  return routes;
}
