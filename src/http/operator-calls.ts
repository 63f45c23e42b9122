/**
 * How a call of the operator protocol becomes a route: with a log-in, and with the right that sessions/operators/rights.ts gives it.
 * Called by the files of operators' routes; there is no other way in for an operator.
 */
import type { Request, Response, Router } from 'express';
import type { Parameters } from '../protocol/parameters.ts';
import type { Login } from '../sessions/operators/logins.ts';
import { CALL_RIGHTS, type CallName, refuseOthers, type Right } from '../sessions/operators/rights.ts';
import type { Services } from '../sessions/services.ts';
import type { BodyReader } from './body-reader.ts';
import { authenticateOperator } from './operator-auth.ts';
import { parametersOf } from './parameters.ts';
import { handle } from './respond.ts';
import type { Site } from './site.ts';

export type RunWithBody = (login: Login, parameters: Parameters, response: Response, request: Request) => Promise<void>;

/** What is run when the body has come, which may take some seconds: the log-in is asked for again. */
export function withBody({ logins }: Services, body: BodyReader, run: RunWithBody): RunCall {
  return async (request, response, login) => {
    const parameters = parametersOf(request, await body.read(request, response));
    await run(await logins.again(login), parameters, response, request);
  };
}

export type RunCall = (request: Request, response: Response, login: Login) => Promise<void>;

/** Makes the route of a call on a router; `path`: what of the address belongs to it, if that is not its name. */
export type OperatorCalls = (routes: Router, name: CallName, run: RunCall, path?: RegExp) => void;

export function createOperatorCalls(services: Services, site: Site): OperatorCalls {
  return (routes, name, run, path) => {
    const right: Right = CALL_RIGHTS[name];
    const [method, address] = name.split(' ') as ['GET' | 'POST', string];
    const route = handle(async (request, response) => {
      const login = await authenticateOperator(services.logins, request, { changes: method !== 'GET', site });
      if (right.isWatching !== true) services.presence.seen(login.operator.id);
      refuseOthers(login.operator, right);
      await run(request, response, login);
    });
    routes[method === 'GET' ? 'get' : 'post'](path ?? address, route);
  };
}
