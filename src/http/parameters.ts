/** Query and body of a request as Parameters; a body wins over the query, as the replaced systems accept both. */
import type { IncomingMessage } from 'node:http';
import { parseBody, queryOf } from '../protocol/body.ts';
import { Parameters } from '../protocol/parameters.ts';

export function parametersOf(request: IncomingMessage, body?: Uint8Array): Parameters {
  const query = queryOf(request.url ?? '');
  if (body === undefined || body.length === 0) return new Parameters(query);
  return new Parameters({ ...query, ...parseBody(body, request.headers['content-type']) });
}
