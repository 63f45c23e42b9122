/** What differs between the clients of the two WebSockets. Classes, because there is one object for each connection. */
import type { ChatError } from '../domain/error.ts';
import { CLOSE, type CloseCode } from '../protocol/close-codes.ts';
import { type ErrorBody, operatorErrorBody, visitorErrorBody } from '../protocol/error-codes.ts';
import type { Parameters } from '../protocol/parameters.ts';
import type { Actor } from '../sessions/visitors/acting-page.ts';
import { runOperatorAction } from '../sessions/operators/actions.ts';
import type { Login } from '../sessions/operators/logins.ts';
import { operatorView } from '../sessions/operators/view.ts';
import type { Services } from '../sessions/services.ts';
import type { StreamView } from '../delivery/stream.ts';
import { runVisitorAction } from '../sessions/visitors/actions.ts';
import { VisitorView } from '../sessions/visitors/view.ts';
import type { ClientKind } from './client-session.ts';

const nothing = (): void => undefined;

abstract class Kind {
  protected readonly services: Services;
  readonly view: StreamView;

  constructor(services: Services, view: StreamView) {
    this.services = services;
    this.view = view;
  }

  get hub() {
    return this.services.hub;
  }

  get log() {
    return this.services.log;
  }
}

export class VisitorKind extends Kind implements ClientKind {
  readonly isOperator = false;
  readonly #actor: Actor;

  constructor(services: Services, actor: Actor) {
    super(services, new VisitorView(services, actor.page));
    this.#actor = actor;
  }

  enter(): () => void {
    return nothing;
  }

  runAction(parameters: Parameters): Promise<object> {
    return runVisitorAction(this.services, this.#actor, parameters);
  }

  errorBody(error: ChatError): ErrorBody {
    return visitorErrorBody(error);
  }

  whenEnded(): CloseCode {
    return CLOSE.reinit;
  }

  closeFor(error: ChatError): CloseCode | undefined {
    return error.code === 'reinit-required' ? CLOSE.reinit : undefined;
  }
}

export class OperatorKind extends Kind implements ClientKind {
  readonly isOperator = true;
  readonly #login: Login;

  constructor(services: Services, login: Login) {
    super(services, operatorView(services, login.operator.id));
    this.#login = login;
  }

  enter(): () => void {
    return this.services.presence.enter(this.#login.operator.id);
  }

  /** With the rights of this moment, not those of the handshake. */
  runAction(parameters: Parameters): Promise<object> {
    const { operator } = this.#login;
    return runOperatorAction(this.services, this.services.replica.operators.get(operator.id) ?? operator, parameters);
  }

  errorBody(error: ChatError): ErrorBody {
    return operatorErrorBody(error);
  }

  whenEnded(tokenHash: string | null | undefined): CloseCode | undefined {
    const { tokenHash: own, operator } = this.#login;
    if (tokenHash !== null && tokenHash !== own) return undefined;
    return this.services.replica.operators.get(operator.id)?.disabled === true ? CLOSE.operatorDisabled : CLOSE.unauthorized;
  }

  closeFor(error: ChatError): CloseCode | undefined {
    return error.code === 'unauthenticated' ? CLOSE.unauthorized : undefined;
  }
}
