/**
 * The HTTP server of a node: every path on every node, TLS when it has a certificate. Draining answers held polls
 * and closes idle connections; what is being answered is finished.
 */
import { readFileSync } from 'node:fs';
import http, { type RequestListener, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { ChatError } from '../domain/error.ts';
import type { Counter, Metrics } from '../ports/index.ts';
import { HeldByVisitors } from '../sessions/held-by-visitors.ts';
import type { Services } from '../sessions/services.ts';
import type { Health } from '../sync/health.ts';
import { backendRoutes } from './backend-routes.ts';
import { serveUnder } from './base-path.ts';
import { BodyReader, cutWhatIsRefused } from './body-reader.ts';
import type { AddressOf } from './client-address.ts';
import { HeldPolls } from './held-polls.ts';
import { type HealthRoutesOptions, healthRoutes } from './health-routes.ts';
import { operatorRoutes } from './operator-routes.ts';
import { operatorErrors } from './respond.ts';
import type { Site } from './site.ts';
import { UploadReader } from './upload-reader.ts';
import { UnreadAnswers } from './unread-answers.ts';
import { createVisitorCalls, type VisitorCalls } from './visitor-calls.ts';
import { visitorRoutes } from './visitor-routes.ts';
import { webRoutes } from './web-routes.ts';

export interface HttpServerOptions {
  readonly services: Services;
  readonly health: Health;
  readonly status: HealthRoutesOptions['status'];
  readonly metrics: HealthRoutesOptions['metrics'] & Metrics;
  /** Connections at most; further ones are closed at once, and a proxy goes to the next node. */
  readonly maxConnections: number;
  readonly restCalls: Counter;
  readonly site: Site;
  readonly trustedProxies: readonly string[];
  readonly addressOf: AddressOf;
  /** Held polls of visitors. */
  readonly maxPollsPerAddress: number;
  readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined;
  /** Of the site that it stands under; '': none. */
  readonly basePath: string;
  /** The built pages. */
  readonly webFolder: string;
  /** Which the customer's backend shows; undefined: it may not call. */
  readonly backendKey: string | undefined;
}

/** Headers must come within this time; how quickly a body must come is the business of whoever reads it. */
const HEADERS_TIMEOUT_MS = 10_000;
/** An app gives back its visitor and signed fields in the address of every init. As large_client_header_buffers of nginx-sites. */
const MAX_HEADER_BYTES = 65_536;
/** The longest upload: 10 MiB at 17 KiB/s. */
const REQUEST_TIMEOUT_MS = 600_000;
/** Longer than Nginx keeps its idle connections, so that it is never we who close one that it is about to use. */
const KEEP_ALIVE_MS = 75_000;
/** A draining node's connections are cut after this: some will never end by themselves (a probe that says nothing). */
const CUT_AFTER_MS = 5_500;
const SWEEP_EVERY_MS = 100;
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
  const held = new HeldPolls(new HeldByVisitors({ what: 'polls', perAddress: options.maxPollsPerAddress, metrics: options.metrics }));
  const answers = new Answers();
  const listener = createListener(options, held, answers);
  const limits = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: LOOK_FOR_LATE_MS,
  };
  const server =
    options.tls === undefined
      ? http.createServer(limits, listener)
      : https.createServer({ ...limits, handshakeTimeout: HEADERS_TIMEOUT_MS, ...readTls(options.tls) }, listener);
  serveUnder(server, options.basePath);
  const connections = boundConnections(server, options);

  return {
    server,
    listen: (host, port) =>
      new Promise((resolve, reject) => {
        held.open();
        answers.areLast(false);
        server.once('error', reject);
        server.listen({ port, host, backlog: BACKLOG }, () => {
          server.off('error', reject);
          const address = server.address();
          resolve(typeof address === 'object' && address !== null ? address.port : port);
        });
      }),
    async drain() {
      answers.areLast();
      held.drain();
      const sockets = connections.all();
      const cut = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, CUT_AFTER_MS);
      // Answers whose headers were out already leave connections that nobody else closes.
      const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_EVERY_MS);
      await new Promise<void>(resolve => {
        server.close(() => resolve());
      });
      clearInterval(sweep);
      clearTimeout(cut);
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

/** The answers being made. While the node drains each says that it is the last one on its connection. */
class Answers {
  readonly #open = new Set<ServerResponse>();
  #last = false;

  add(response: ServerResponse): void {
    if (this.#last) response.shouldKeepAlive = false;
    this.#open.add(response);
    response.once('close', () => this.#open.delete(response));
  }

  areLast(last = true): void {
    this.#last = last;
    if (last) for (const response of this.#open) response.shouldKeepAlive = false;
  }
}

function readTls({ certFile, keyFile }: { readonly certFile: string; readonly keyFile: string }): { cert: Buffer; key: Buffer } {
  return { cert: readFileSync(certFile), key: readFileSync(keyFile) };
}

function boundConnections(server: http.Server, { maxConnections, metrics }: HttpServerOptions): { all(): ReadonlySet<Socket> } {
  const open = new Set<Socket>();
  const dropped = metrics.counter('connections_dropped_total', 'Connections closed at once because there are max_connections');
  metrics.gauge('connections', 'Open connections of clients and proxies (at most max_connections)', () => open.size);
  server.maxConnections = maxConnections;
  server.on('drop', () => dropped.inc());
  server.on('connection', socket => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  return { all: () => open };
}

function createListener(options: HttpServerOptions, held: HeldPolls, answers: Answers): RequestListener {
  const { services, metrics, restCalls, addressOf } = options;
  const body = new BodyReader(services.limits.maxActionBytes, metrics);
  const unread = new UnreadAnswers(metrics);
  const calls = createVisitorCalls({ services, held, body, unread, addressOf });
  const { maxFileBytes, uploadMinBytesPerSecond } = services.limits;
  const uploads = new UploadReader({ maxBytes: maxFileBytes, minBytesPerSecond: uploadMinBytesPerSecond, metrics });
  const app = createApp(options, { held, body, calls, uploads, unread });
  return (request, response) => {
    restCalls.inc();
    response.setHeader('X-Content-Type-Options', 'nosniff');
    answers.add(response);
    cutWhatIsRefused(request, response);
    if (!calls.answer(request, response)) app(request, response);
  };
}

interface Readers {
  readonly held: HeldPolls;
  readonly body: BodyReader;
  readonly calls: VisitorCalls;
  readonly uploads: UploadReader;
  readonly unread: UnreadAnswers;
}

function createApp(options: HttpServerOptions, { held, body, calls, uploads, unread }: Readers): Express {
  const { services, health, site, trustedProxies, basePath, webFolder } = options;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('trust proxy', [...trustedProxies]);
  app.set('query parser', false); // protocol/body.ts reads it strictly
  app.use(healthRoutes(options));
  app.use(webRoutes(webFolder, basePath));
  app.use(backendRoutes({ services, body, backendKey: options.backendKey }));
  app.use(visitorRoutes(calls, { services, uploads, unread, addressOf: options.addressOf }));
  app.use(operatorRoutes({ services, health, held, body, uploads, unread, site }));
  app.use((_request: Request, _response: Response, next: NextFunction) =>
    next(new ChatError('not-found', 'not-found', 'there is no such page')),
  );
  app.use(operatorErrors(services.log));
  return app;
}
