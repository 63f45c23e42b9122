/**
 * The HTTP server of a node: every path on every node, TLS when it has a certificate. Draining answers held polls
 * and closes idle connections; what is being answered is finished.
 */
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { ChatError } from '../domain/error.ts';
import type { Counter, Metrics } from '../ports.ts';
import type { Services } from '../sessions/services.ts';
import type { Health } from '../sync/health.ts';
import { HeldPolls } from './held-polls.ts';
import { type HealthRoutesOptions, healthRoutes } from './health-routes.ts';
import { operatorRoutes } from './operator-routes.ts';
import { createBodyReader } from './parameters.ts';
import { operatorErrors } from './respond.ts';
import { visitorRoutes } from './visitor-routes.ts';

export interface HttpServerOptions {
  readonly services: Services;
  readonly health: Health;
  readonly status: HealthRoutesOptions['status'];
  readonly metrics: HealthRoutesOptions['metrics'] & Metrics;
  /** Connections at most; further ones are closed at once, and a proxy goes to the next node. */
  readonly maxConnections: number;
  readonly restCalls: Counter;
  readonly allowedOrigins: readonly string[];
  readonly trustedProxies: readonly string[];
  readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined;
  readonly demoPage: string;
}

/** Headers must come within this time, a whole request within the next: slow senders do not hold sockets. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 60_000;
/** Longer than Nginx keeps its idle connections, so that it is never we who close one that it is about to use. */
const KEEP_ALIVE_MS = 75_000;
/** Connections that wait to be accepted: Node's 511 make a storm wait for TCP to try again, a second later. */
const BACKLOG = 4_096;
/** How often Node looks for requests that are late. */
const LOOK_FOR_LATE_MS = 2_000;

export interface HttpServer {
  readonly server: http.Server;
  listen(host: string, port: number): Promise<number>;
  /** Takes no more connections, and resolves when all are gone. `listen` opens it again. */
  drain(): Promise<void>;
  /** Shows a renewed certificate to new connections. */
  reloadTls(): void;
  stop(): Promise<void>;
}

export function createHttpServer(options: HttpServerOptions): HttpServer {
  const held = new HeldPolls();
  const app = createApp(options, held);
  const limits = {
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: LOOK_FOR_LATE_MS,
  };
  const server =
    options.tls === undefined
      ? http.createServer(limits, app)
      : https.createServer({ ...limits, handshakeTimeout: HEADERS_TIMEOUT_MS, ...readTls(options.tls) }, app);
  boundConnections(server, options);

  return {
    server,
    listen: (host, port) =>
      new Promise((resolve, reject) => {
        held.open();
        server.once('error', reject);
        server.listen({ port, host, backlog: BACKLOG }, () => {
          server.off('error', reject);
          const address = server.address();
          resolve(typeof address === 'object' && address !== null ? address.port : port);
        });
      }),
    async drain() {
      held.drain();
      server.closeIdleConnections();
      await new Promise<void>(resolve => {
        server.close(() => resolve());
        // Connections that were busy become idle when their answer is out.
        const sweep = setInterval(() => server.closeIdleConnections(), 50);
        server.once('close', () => clearInterval(sweep));
      });
    },
    reloadTls() {
      if (options.tls !== undefined && server instanceof https.Server) server.setSecureContext(readTls(options.tls));
    },
    stop() {
      server.closeAllConnections();
      server.close();
      return Promise.resolve();
    },
  };
}

function readTls({ certFile, keyFile }: { readonly certFile: string; readonly keyFile: string }): { cert: Buffer; key: Buffer } {
  return { cert: readFileSync(certFile), key: readFileSync(keyFile) };
}

function boundConnections(server: http.Server, { maxConnections, metrics }: HttpServerOptions): void {
  let open = 0;
  const dropped = metrics.counter('connections_dropped_total', 'Connections closed at once because there are max_connections');
  metrics.gauge('connections', 'Open connections of clients and proxies (at most max_connections)', () => open);
  server.maxConnections = maxConnections;
  server.on('drop', () => dropped.inc());
  server.on('connection', socket => {
    open += 1;
    socket.once('close', () => (open -= 1));
  });
}

function createApp(options: HttpServerOptions, held: HeldPolls): Express {
  const { services, health, restCalls, allowedOrigins, trustedProxies, demoPage } = options;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('trust proxy', [...trustedProxies]);
  app.set('query parser', false); // protocol/body.ts reads it strictly
  app.use((_request: Request, response: Response, next: NextFunction) => {
    restCalls.inc();
    response.set('X-Content-Type-Options', 'nosniff');
    next();
  });
  app.use(healthRoutes(options));
  app.get('/', (_request, response) => {
    response
      .set(
        'Content-Security-Policy',
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self' ws: wss:; frame-ancestors 'none'",
      )
      .type('html')
      .send(demoPage);
  });
  const body = createBodyReader(services.limits.maxActionBytes, options.metrics);
  app.use(visitorRoutes({ services, held, body }));
  app.use(operatorRoutes({ services, health, held, body, allowedOrigins }));
  app.use((_request: Request, _response: Response, next: NextFunction) =>
    next(new ChatError('not-found', 'not-found', 'there is no such page')),
  );
  app.use(operatorErrors(services.log));
  return app;
}
