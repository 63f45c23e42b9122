/** The operator protocol over HTTP (docs/protocol/operator.md). */
import { type Request, type Response, Router } from 'express';
import { endOperatorSessions } from '../commands/end-sessions.ts';
import { ChatError } from '../domain/error.ts';
import { isAdmin, isSupervisor } from '../domain/operator.ts';
import { toSeconds } from '../domain/time.ts';
import { operatorObject } from '../protocol/operator-objects.ts';
import { banList, chatAssignments } from '../sessions/assignments.ts';
import { findChats, visitorCard } from '../sessions/chat-search.ts';
import { operatorHistory } from '../sessions/history.ts';
import { runOperatorAction, setStatus } from '../sessions/operator-actions.ts';
import type { Login } from '../sessions/operator-logins.ts';
import { operatorQueue, operatorView } from '../sessions/operator-session.ts';
import { poll } from '../sessions/poll.ts';
import { readSince, resumePoint, type Services } from '../sessions/services.ts';
import type { Health } from '../sync/health.ts';
import { authenticateOperator, COOKIE, refuseForeignOrigin } from './operator-auth.ts';
import type { BodyReader } from './body-reader.ts';
import { clusterRoutes } from './cluster-routes.ts';
import { operatorFileRoutes } from './file-routes.ts';
import { parametersOf } from './parameters.ts';
import type { HeldPolls } from './held-polls.ts';
import { handle, operatorErrors, sendJson } from './respond.ts';
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
  readonly allowedOrigins: readonly string[];
}

export function operatorRoutes({ services, health, held, body, uploads, unread, allowedOrigins }: OperatorRoutesOptions): Router {
  const routes = Router({ caseSensitive: true });
  const { limits, hub, logins, loop } = services;

  type WithLogin = (request: Request, response: Response, login: Login) => Promise<void>;
  const asOperator = (run: WithLogin) =>
    asWatcher(async (request, response, login) => {
      services.presence.seen(login.operator.id);
      await run(request, response, login);
    });

  /** Who watches the cluster is not at his desk because of it. */
  const asWatcher = (run: WithLogin) =>
    handle(async (request, response) =>
      run(request, response, await authenticateOperator(logins, request, { changes: request.method !== 'GET', allowedOrigins })),
    );

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
      refuseForeignOrigin(request, allowedOrigins);
      const parameters = parametersOf(request, await body.read(request, response));
      const login = parameters.text('login', { max: 200 });
      const password = parameters.text('password', { max: 1_000 });
      const { token, expiresInSeconds, operator } = await logins.login(login, password, request.ip ?? '');
      response.cookie(COOKIE, token, {
        httpOnly: true,
        sameSite: 'lax',
        path: '/',
        secure: request.secure,
        maxAge: expiresInSeconds * 1000,
      });
      const expires = toSeconds(services.nowUs()) + expiresInSeconds;
      sendJson(response, { result: 'ok', data: { authToken: token, expires, operator: operatorObject(operator, limits.defaultMaxChats) } });
    }),
  );

  routes.post(
    '/l/o/logout',
    asOperator(async (_request, response, { operator, tokenHash }) => {
      await loop.execute(endOperatorSessions(operator.id, tokenHash));
      response.clearCookie(COOKIE, { path: '/' });
      sendJson(response, { result: 'ok' });
    }),
  );

  routes.get(
    '/l/o/me',
    asOperator((_request, response, { operator }) => {
      sendJson(response, { result: 'ok', data: operatorObject(operator, limits.defaultMaxChats) });
      return Promise.resolve();
    }),
  );

  routes.post(
    '/l/o/set-status',
    asOperator(async (request, response, { operator }) => {
      const parameters = parametersOf(request, await body.read(request, response));
      sendJson(response, await setStatus(services, operator, parameters));
    }),
  );

  routes.post(
    '/l/o/action',
    asOperator(async (request, response, { operator }) => {
      const parameters = parametersOf(request, await body.read(request, response));
      sendJson(response, await runOperatorAction(services, operator, parameters));
    }),
  );

  routes.get(
    '/l/o/history',
    asOperator((request, response, login) => read(response, login, () => operatorHistory(services, login.operator, parametersOf(request)))),
  );

  routes.get(
    '/l/o/chats',
    asOperator((request, response, login) => read(response, login, () => findChats(services, login.operator, parametersOf(request)))),
  );

  routes.get(
    '/l/o/visitor',
    asOperator((request, response, login) => read(response, login, () => visitorCard(services, login.operator, parametersOf(request)))),
  );

  routes.get(
    '/l/o/assignments',
    asOperator((request, response, login) => read(response, login, () => chatAssignments(services, login.operator, parametersOf(request)))),
  );

  routes.get(
    '/l/o/bans',
    asOperator((request, response, login) => {
      const { operator } = login;
      if (!isSupervisor(operator) && !isAdmin(operator)) throw new ChatError('forbidden', 'not-allowed', 'for supervisors only');
      return read(response, login, () => banList(services, parametersOf(request)));
    }),
  );

  routes.get(
    '/l/o/delta',
    asOperator(async (request, response, login) => {
      const { operator, tokenHash } = login;
      const point = await resumePoint(services, readSince(parametersOf(request)));
      const answer = (): Promise<string> =>
        poll({
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
      await read(response, login, answer, point.since === undefined);
    }),
  );

  routes.get(
    '/l/o/queue',
    asOperator((request, response, login) =>
      read(response, login, () => operatorQueue(services, login.operator.id, parametersOf(request))),
    ),
  );

  routes.use(operatorFileRoutes({ services, uploads, unread }, asOperator));
  routes.use(operatorTeamRoutes(services, body, asOperator, read));
  routes.use(clusterRoutes(services.clusterDesk, body, asWatcher));

  routes.use('/l/o', (_request, _response, next) => next(new ChatError('not-found', 'not-found', 'there is no such call')));
  routes.use(operatorErrors(services.log));
  return routes;
}
