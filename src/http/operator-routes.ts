/** The operator protocol over HTTP (docs/protocol/operator.md). */
import { type Response, Router } from 'express';
import { ChatError } from '../domain/error.ts';
import { toSeconds } from '../domain/time.ts';
import { operatorObject } from '../protocol/operator-objects.ts';
import { chatAssignments } from '../sessions/operators/assignments.ts';
import { banList } from '../sessions/operators/bans.ts';
import { findChats, visitorCard } from '../sessions/operators/chat-search.ts';
import { operatorHistory } from '../sessions/operators/history.ts';
import { logOut } from '../sessions/operators/log-out.ts';
import { runOperatorAction, setStatus } from '../sessions/operators/actions.ts';
import type { Login } from '../sessions/operators/logins.ts';
import { operatorQueue, operatorView } from '../sessions/operators/view.ts';
import { poll } from '../delivery/poll.ts';
import { readSince, resumePoint } from '../delivery/resume.ts';
import type { Services } from '../sessions/services.ts';
import type { Health } from '../sync/health.ts';
import { clearLoginCookies, setLoginCookie } from './operator-auth.ts';
import type { BodyReader } from './body-reader.ts';
import { clusterRoutes } from './cluster-routes.ts';
import { operatorFileRoutes } from './file-routes.ts';
import { createOperatorCalls, withBody } from './operator-calls.ts';
import { parametersOf } from './parameters.ts';
import type { HeldPolls } from './held-polls.ts';
import { handle, operatorErrors, sendJson } from './respond.ts';
import type { Site } from './site.ts';
import { operatorTeamRoutes } from './team-routes.ts';
import type { UnreadAnswers } from './unread-answers.ts';
import type { UploadReader } from './upload-reader.ts';

export interface OperatorRoutesOptions {
  readonly services: Services;
  readonly health: Health;
  readonly held: HeldPolls;
  readonly body: BodyReader;
  readonly uploads: UploadReader;
  readonly unread: UnreadAnswers;
  readonly site: Site;
}

export function operatorRoutes({ services, health, held, body, uploads, unread, site }: OperatorRoutesOptions): Router {
  const routes = Router({ caseSensitive: true });
  const { limits, hub, logins } = services;
  const call = createOperatorCalls(services, site);

  /** Answers what may be large, bounded while it is not read. */
  const read = (response: Response, { operator }: Login, make: () => Promise<object | string>, inTurn = true): Promise<void> =>
    unread.answer(response, { kind: 'operator', id: String(operator.id), address: undefined }, make, inTurn);

  routes.get('/l/o/pingservice', (_request, response) => {
    if (!health.isReady) throw new ChatError('unavailable', 'server-not-ready', health.reasons.join('; ') || health.state);
    sendJson(response, { result: 'ok' });
  });

  routes.post(
    '/l/o/login',
    handle(async (request, response) => {
      site.refuseForeignOrigin(request);
      const parameters = parametersOf(request, await body.read(request, response));
      const login = parameters.text('login', { max: 200, isExact: true });
      const password = parameters.text('password', { max: 1_000, isExact: true });
      const { token, expiresInSeconds, operator } = await logins.login(login, password, request.ip ?? '');
      setLoginCookie(response, token, { ...site.loginCookie, isSecure: site.isSecure(request), maxAgeMs: expiresInSeconds * 1000 });
      const expires = toSeconds(services.nowUs()) + expiresInSeconds;
      sendJson(response, { result: 'ok', data: { authToken: token, expires, operator: operatorObject(operator, limits.defaultMaxChats) } });
    }),
  );

  call(routes, 'POST /l/o/logout', async (request, response, login) => {
    const answer = await logOut(services, login, request.ip ?? '');
    clearLoginCookies(response, site.loginCookie);
    sendJson(response, answer);
  });

  call(routes, 'GET /l/o/me', (_request, response, { operator }) => {
    sendJson(response, { result: 'ok', data: operatorObject(operator, limits.defaultMaxChats) });
    return Promise.resolve();
  });

  call(
    routes,
    'POST /l/o/set-status',
    withBody(services, body, async ({ operator }, parameters, response) => {
      sendJson(response, await setStatus(services, operator, parameters));
    }),
  );

  call(
    routes,
    'POST /l/o/action',
    withBody(services, body, async ({ operator }, parameters, response) => {
      sendJson(response, await runOperatorAction(services, operator, parameters));
    }),
  );

  call(routes, 'GET /l/o/history', (request, response, login) =>
    read(response, login, () => operatorHistory(services, login.operator, parametersOf(request))),
  );

  call(routes, 'GET /l/o/chats', (request, response, login) =>
    read(response, login, () => findChats(services, login.operator, parametersOf(request))),
  );

  call(routes, 'GET /l/o/visitor', (request, response, login) =>
    read(response, login, () => visitorCard(services, login.operator, parametersOf(request))),
  );

  call(routes, 'GET /l/o/assignments', (request, response, login) =>
    read(response, login, () => chatAssignments(services, login.operator, parametersOf(request))),
  );

  call(routes, 'GET /l/o/bans', (request, response, login) =>
    read(response, login, () => banList(services, login.operator, parametersOf(request))),
  );

  call(routes, 'GET /l/o/delta', async (request, response, login) => {
    const { operator, tokenHash } = login;
    const point = await resumePoint(services, readSince(parametersOf(request)));
    const answer = async (): Promise<string> => {
      await logins.again(login);
      return poll({
        hub,
        view: operatorView(services, operator.id),
        ...point,
        holdMs: limits.pollHoldMs,
        whileHeld(giveUp) {
          const release = held.add(response, giveUp);
          const leave = services.presence.enterPoll(operator.id);
          return () => {
            release();
            leave();
          };
        },
        ended: ended =>
          ended === null || ended === tokenHash ? new ChatError('unauthenticated', 'unauthorized', 'this login has ended') : undefined,
      });
    };
    await read(response, login, answer, point.since === undefined);
  });

  call(routes, 'GET /l/o/queue', (request, response, login) =>
    read(response, login, () => operatorQueue(services, login.operator.id, parametersOf(request))),
  );

  routes.use(operatorFileRoutes({ services, uploads, unread }, call));
  routes.use(operatorTeamRoutes(services, body, call, read));
  routes.use(clusterRoutes(services, body, call));

  routes.use('/l/o', (_request, _response, next) => next(new ChatError('not-found', 'not-found', 'there is no such call')));
  routes.use(operatorErrors(services.log));
  return routes;
}
