/** Query and body of a request as Parameters; a body wins over the query, as the replaced systems accept both. */
import { raw, type Request, type RequestHandler } from 'express';
import { parseBody, queryOf } from '../protocol/body.ts';
import { Parameters } from '../protocol/parameters.ts';

/** Reads the whole body as bytes, whatever it calls itself: one SDK labels its bodies wrongly. */
export function readBody(maxBytes: number): RequestHandler {
  return raw({ type: () => true, limit: maxBytes });
}

export function parametersOf(request: Request): Parameters {
  const body: unknown = request.body;
  const values = body instanceof Uint8Array ? parseBody(body, request.get('content-type')) : {};
  return new Parameters({ ...queryOf(request.url), ...values });
}

/** For paths where the body is a file: only the query. */
export function queryParametersOf(request: Request): Parameters {
  return new Parameters(queryOf(request.url));
}
