/** Answers and errors as each kind of client knows them; the tables are in protocol/error-codes.ts. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { ChatError } from '../domain/error.ts';
import type { Log } from '../ports/index.ts';
import { internalErrorBody, OPERATOR_STATUS, operatorErrorBody, VISITOR_STATUS, visitorErrorBody } from '../protocol/error-codes.ts';

/** An async handler whose failure goes to the error handler of its router. */
export function handle(run: (request: Request, response: Response) => Promise<void>): RequestHandler {
  return (request, response, next) => {
    run(request, response).catch(next);
  };
}

/** `body` is an object, or JSON text that was rendered already; nothing large (see UnreadAnswers). */
export function sendJson(response: ServerResponse, body: object | string, status = 200): void {
  if (!beginJson(response)) return;
  response.statusCode = status;
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

/** The head of an answer of so many bytes of JSON; false: nobody waits for it any more. */
export function respondJson(response: ServerResponse, bytes: number): boolean {
  if (!beginJson(response)) return false;
  response.setHeader('Content-Length', bytes);
  return true;
}

function beginJson(response: ServerResponse): boolean {
  if (response.headersSent || response.destroyed) return false;
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.setHeader('Cache-Control', 'no-store');
  return true;
}

export function operatorErrors(log: Log) {
  return (error: unknown, request: Request, response: Response, _next: NextFunction): void => {
    const known = translate(error);
    if (known === undefined) {
      sendJson(response, internalErrorBody(logBug(log, request, error)), 500);
      return;
    }
    const { retryAfterMs } = known.details;
    const retry = retryAfterMs ?? (known.code === 'unavailable' ? 1_000 : undefined);
    if (retry !== undefined) response.set('Retry-After', String(Math.ceil(retry / 1000)));
    sendJson(response, operatorErrorBody(known), OPERATOR_STATUS[known.code]);
  };
}

export function visitorErrors(log: Log) {
  return (error: unknown, request: Request, response: Response, _next: NextFunction): void =>
    answerVisitorError(log, error, request, response);
}

/**
 * SDKs end a session on nearly every status but 200 and 502. A bug answers 502 while reading, where trying again does
 * no harm, but 200 to an action: repeated for ever it would hold up all actions behind it.
 */
export function answerVisitorError(log: Log, error: unknown, request: IncomingMessage, response: ServerResponse): void {
  const known = translate(error);
  if (known === undefined) {
    const body = internalErrorBody(logBug(log, request, error));
    sendJson(response, { ...body, error: 'internal_error' }, request.method === 'POST' ? 200 : 502);
  } else {
    sendJson(response, visitorErrorBody(known), VISITOR_STATUS[known.code]);
  }
}

/** Errors of the HTTP library (a body too large or cut, a malformed URL) are the client's. */
function translate(error: unknown): ChatError | undefined {
  if (error instanceof ChatError) return error;
  const status = error instanceof Error && 'status' in error && typeof error.status === 'number' ? error.status : 500;
  if (status === 413) return new ChatError('too-large', 'too-large', 'the request is too large', { cause: error });
  if (status >= 400 && status < 500)
    return new ChatError('invalid', 'wrong-argument-value', 'the request cannot be read', { argumentName: 'body', cause: error });
  return undefined;
}

function logBug(log: Log, request: IncomingMessage, error: unknown): string {
  const errorId = randomUUID();
  log.error('request-failed', {
    errorId,
    method: request.method,
    path: request.url?.split('?')[0],
    requestId: request.headers['x-request-id'],
    error,
  });
  return errorId;
}
