/** What operators keep for themselves and each other (docs/protocol/operator.md): canned answers, their passwords. */
import { type Response, Router } from 'express';
import { listCannedAnswers, removeCannedAnswer, saveCannedAnswer } from '../sessions/operators/canned-answers.ts';
import type { Login } from '../sessions/operators/logins.ts';
import { changeOwnPassword } from '../sessions/operators/own-password.ts';
import type { Services } from '../sessions/services.ts';
import type { BodyReader } from './body-reader.ts';
import { type OperatorCalls, withBody } from './operator-calls.ts';
import { parametersOf } from './parameters.ts';
import { sendJson } from './respond.ts';

/** `read`: answers what may be large. */
export function operatorTeamRoutes(
  services: Services,
  body: BodyReader,
  call: OperatorCalls,
  read: (response: Response, login: Login, make: () => Promise<object | string>) => Promise<void>,
): Router {
  const routes = Router({ caseSensitive: true });
  call(routes, 'GET /l/o/canned-answers', (request, response, login) =>
    read(response, login, () => listCannedAnswers(services, login.operator, parametersOf(request))),
  );
  call(
    routes,
    'POST /l/o/canned-answers',
    withBody(services, body, async ({ operator }, parameters, response) => {
      sendJson(response, await saveCannedAnswer(services, operator, parameters));
    }),
  );
  call(
    routes,
    'POST /l/o/canned-answers/remove',
    withBody(services, body, async ({ operator }, parameters, response) => {
      sendJson(response, await removeCannedAnswer(services, operator, parameters));
    }),
  );
  call(
    routes,
    'POST /l/o/password',
    withBody(services, body, async (login, parameters, response, request) => {
      sendJson(response, await changeOwnPassword(services, login, parameters, request.ip ?? ''));
    }),
  );
  return routes;
}
