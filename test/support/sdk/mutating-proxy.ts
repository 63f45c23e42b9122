/** An HTTP proxy that changes answers on their way: what a client must notice. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JsonObject } from './json.ts';

export interface PassingAnswer {
  readonly status: number;
  readonly body: string;
}

/** undefined: unchanged. `before`: instead of asking the server at all. */
export interface Mutation {
  readonly before?: (path: string, parameters: URLSearchParams) => PassingAnswer | undefined;
  readonly after?: (path: string, body: JsonObject, parameters: URLSearchParams) => unknown;
}

export interface MutatingProxy {
  readonly url: string;
  close(): Promise<void>;
}

/** `target`: asked anew for each request. `mutation.after` may change the object that it gets, or return another one. */
export async function startMutatingProxy(target: string | (() => string), mutation: Mutation = {}): Promise<MutatingProxy> {
  const agent = new http.Agent({ keepAlive: true });
  const server = http.createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const respond = ({ status, body }: PassingAnswer): void => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(body);
    };
    const instead = mutation.before?.(pathname, searchParams);
    if (instead !== undefined) {
      request.resume();
      respond(instead);
      return;
    }
    const { 'accept-encoding': _, ...headers } = request.headers;
    const onward = http.request(
      `${typeof target === 'string' ? target : target()}${request.url ?? ''}`,
      { method: request.method, headers, agent },
      answer => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const status = answer.statusCode ?? 502;
          if (status !== 200 || mutation.after === undefined || !text.startsWith('{')) return respond({ status, body: text });
          const body = JSON.parse(text) as JsonObject;
          respond({ status, body: JSON.stringify(mutation.after(pathname, body, searchParams) ?? body) });
        });
      },
    );
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      agent.destroy();
      await new Promise<void>(resolve => server.close(() => resolve()));
    },
  };
}
