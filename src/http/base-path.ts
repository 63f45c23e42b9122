/**
 * `base_path`: the path of another site that the chat stands under, such as /chat. It is taken off every request and every upgrade before
 * anything else reads the path, so that nothing behind it knows of it. Without it a request is answered too: probes and the other
 * nodes ask a node directly, and some proxies take the path off themselves.
 */
import type { IncomingMessage, Server } from 'node:http';

export function serveUnder(server: Server, basePath: string): void {
  if (basePath === '') return;
  const takeOff = (request: IncomingMessage): void => {
    request.url = withoutBase(request.url ?? '', basePath);
  };
  server.prependListener('request', takeOff);
  server.prependListener('upgrade', takeOff);
}

/** What a node tells of itself it tells at its own port: whatever site stands in front would pass it on under this path. */
const OWN_TO_THE_NODE = /^\/+(?:status|metrics|readyz)\/*(?:\?|$)/i;

/** The path alone, without a slash after it, stays: it is no page of the chat, and leads to one. */
export function withoutBase(url: string, basePath: string): string {
  const inside = url.startsWith(`${basePath}/`) ? url.slice(basePath.length) : url;
  return OWN_TO_THE_NODE.test(inside) ? url : inside;
}
