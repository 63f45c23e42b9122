/** What operators keep for themselves and each other (docs/protocol/operator.md): canned answers, their passwords. */
import { type Request, type RequestHandler, type Response, Router } from 'express';
import { listCannedAnswers, removeCannedAnswer, saveCannedAnswer } from '../sessions/canned-answers.ts';
import type { Login } from '../sessions/operator-logins.ts';
import { changeOwnPassword } from '../sessions/own-password.ts';
import type { Services } from '../sessions/services.ts';
import type { BodyReader } from './body-reader.ts';
import { parametersOf } from './parameters.ts';
import { sendJson } from './respond.ts';

/** `asOperator`: runs with the login of the request. `read`: answers what may be large. */
export function operatorTeamRoutes(
  services: Services,
  body: BodyReader,
  asOperator: (run: (request: Request, response: Response, login: Login) => Promise<void>) => RequestHandler,
  read: (response: Response, login: Login, make: () => Promise<object | string>) => Promise<void>,
): Router {
  const routes = Router({ caseSensitive: true });

  routes.get(
    '/l/o/canned-answers',
    asOperator((request, response, login) =>
      read(response, login, () => listCannedAnswers(services, login.operator, parametersOf(request))),
    ),
  );

  routes.post(
    '/l/o/canned-answers',
    asOperator(async (request, response, { operator }) => {
      const parameters = parametersOf(request, await body.read(request, response));
      sendJson(response, await saveCannedAnswer(services, operator, parameters));
    }),
  );

  routes.post(
    '/l/o/canned-answers/remove',
    asOperator(async (request, response, { operator }) => {
      const parameters = parametersOf(request, await body.read(request, response));
      sendJson(response, await removeCannedAnswer(services, operator, parameters));
    }),
  );

  routes.post(
    '/l/o/password',
    asOperator(async (request, response, login) => {
      const parameters = parametersOf(request, await body.read(request, response));
      sendJson(response, await changeOwnPassword(services, login, parameters, request.ip ?? ''));
    }),
  );
  return routes;
}
