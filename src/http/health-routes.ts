/** /healthz, /readyz, /status, /metrics (docs/protocol/cli.md). No secret, no address of a person. */
import { Router } from 'express';
import type { Health } from '../sync/health.ts';
import { handle, sendJson } from './respond.ts';

export interface HealthRoutesOptions {
  readonly health: Health;
  readonly status: () => Promise<object>;
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
}

export function healthRoutes({ health, status, metrics }: HealthRoutesOptions): Router {
  // Exactly these: the sites of nginx-sites keep two of them to their own host.
  const routes = Router({ caseSensitive: true, strict: true });
  routes.get('/healthz', (_request, response) => sendJson(response, { result: 'ok' }));
  routes.get('/readyz', (_request, response) =>
    sendJson(response, { state: health.state, reasons: health.reasons }, health.isReady ? 200 : 503),
  );
  routes.get(
    '/status',
    handle(async (_request, response) => sendJson(response, await status())),
  );
  routes.get(
    '/metrics',
    handle(async (_request, response) => {
      response.set('Content-Type', metrics.contentType).end(await metrics.text());
    }),
  );
  return routes;
}
