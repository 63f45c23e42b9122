/**
 * The WebSockets of a node: `/ws/o/delta` for operators, `/ws/v/delta` for visitors, on the HTTP server's port.
 * Authentication happens after the upgrade, because a browser learns a close code but no HTTP status.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { ChatError } from '../domain/error.ts';
import type { Counter, LabelledCounter, Metrics } from '../ports/index.ts';
import { queryOf } from '../protocol/body.ts';
import { CLOSE, type CloseCode, retryReason } from '../protocol/close-codes.ts';
import { Parameters } from '../protocol/parameters.ts';
import type { Login } from '../sessions/operators/logins.ts';
import { HeldByVisitors } from '../sessions/held-by-visitors.ts';
import { MAX_PAGE_ID } from '../sessions/visitors/rowless-page.ts';
import { readSince, resumePoint } from '../delivery/resume.ts';
import type { Services } from '../sessions/services.ts';
import { OperatorKind, VisitorKind } from './client-kinds.ts';
import { type ClientKind, ClientSession } from './client-session.ts';
import { Connection } from './connection.ts';
import { WaitingFrames } from './waiting-frames.ts';

const PING_EVERY_MS = 25_000;
/** Clients are pinged in turns, a share of them every second: one timer for all. */
const PING_TURNS = 25;
const PONG_WITHIN_TURNS = 8;
/** Clients of a draining node come back spread over at least this time. */
const DRAIN_SPREAD_MS = 2_000;
/** Until it is known whose WebSocket it is; the database and a catch-up may take some seconds. */
const ACCEPT_WITHIN_MS = 15_000;

/** Whose place was taken by a newer WebSocket of the same page. */
const REPLACED_RETURN_MS = 10_000;

/** Not a function made on the spot: that would hold the whole request for as long as the connection lives. */
function ignore(): void {}

export interface WsServerOptions {
  readonly services: Services;
  readonly metrics: Metrics;
  /** For tests. */
  readonly acceptWithinMs?: number;
  readonly authenticateOperator: (request: IncomingMessage) => Promise<Login>;
  /** As `addressKey`. */
  readonly addressOf: (request: IncomingMessage) => string;
  /** WebSockets of visitors. */
  readonly maxPerAddress: number;
}

export class WsServer {
  readonly #options: WsServerOptions;
  readonly #wss: WebSocketServer;
  readonly #held: HeldByVisitors;
  readonly #waiting: WaitingFrames;
  readonly #turns: Set<ClientSession>[] = Array.from({ length: PING_TURNS }, () => new Set());
  readonly #accepted: Counter;
  readonly #closed: LabelledCounter;
  readonly #late: Counter;
  #nextTurn = 0;
  #timer: NodeJS.Timeout | undefined;
  #draining = false;

  constructor(options: WsServerOptions) {
    this.#options = options;
    this.#wss = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: options.services.limits.maxActionBytes,
      clientTracking: false,
    });
    this.#held = new HeldByVisitors({ what: 'sockets', perAddress: options.maxPerAddress, metrics: options.metrics });
    this.#waiting = new WaitingFrames(() => this.#sessions(), options.metrics);
    this.#accepted = options.metrics.counter('ws_connections_total', 'WebSockets of clients accepted since the start');
    this.#closed = options.metrics.labelled('ws_closed_total', 'WebSockets closed, by close code (1006: without a goodbye)', 'code');
    this.#late = options.metrics.counter('ws_never_known_total', 'WebSockets closed because it took too long to know whose they are');
    options.metrics.gauge('ws_connections', 'Open WebSockets of clients', () => this.connections);
  }

  /** One function for all connections. */
  readonly #sentLarge = (bytes: number): void => this.#waiting.sent(bytes);

  *#sessions(): Generator<ClientSession> {
    for (const turn of this.#turns) yield* turn;
  }

  get connections(): number {
    return this.#turns.reduce((sum, turn) => sum + turn.size, 0);
  }

  start(server: Server): void {
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const path = (request.url ?? '').split('?')[0];
      socket.on('error', ignore);
      if (path !== '/ws/o/delta' && path !== '/ws/v/delta') {
        // Whoever does not close their side would keep it half open for ever.
        socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n', () => socket.destroy());
        return;
      }
      this.#wss.handleUpgrade(request, socket, head, webSocket => {
        const connection = new Connection(webSocket, this.#options.services.limits.wsBufferBytes, this.#sentLarge);
        void this.#accept(connection, request, path === '/ws/o/delta');
      });
    });
    this.#timer = setInterval(() => this.#pingTurn(), PING_EVERY_MS / PING_TURNS);
  }

  /** Tells every client to come back a little later, each at another time. */
  drain(): void {
    this.#draining = true;
    const spreadMs = Math.max(DRAIN_SPREAD_MS, this.#options.services.admission.handshakeMs(this.connections));
    for (const turn of this.#turns) for (const session of turn) session.connection.close(drainClose(spreadMs));
  }

  /** After a drain that was taken back. */
  open(): void {
    this.#draining = false;
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const turn of this.#turns) for (const session of turn) session.connection.terminate();
    this.#wss.close();
  }

  async #accept(connection: Connection, request: IncomingMessage, isOperator: boolean): Promise<void> {
    if (this.#draining) {
      connection.close(drainClose(DRAIN_SPREAD_MS));
      return;
    }
    // Nobody knows yet whose it is, so nobody else closes it.
    const late = setTimeout(() => {
      this.#late.inc();
      connection.close(drainClose(DRAIN_SPREAD_MS));
    }, this.#options.acceptWithinMs ?? ACCEPT_WITHIN_MS);
    try {
      this.#options.services.admission.webSocket(isOperator ? 'operator' : 'visitor', this.connections);
      const parameters = new Parameters(queryOf(request.url ?? ''));
      const kind = isOperator ? await this.#operator(request) : await this.#visitor(parameters, request, connection);
      // From here on it hears of its end: nothing is awaited between this and what was known of it.
      const session = new ClientSession(connection, kind);
      const turn = this.#turns[this.connections % PING_TURNS];
      turn?.add(session);
      this.#accepted.inc();
      connection.onClose(code => {
        turn?.delete(session);
        this.#closed.inc(String(code));
      });
      if (this.#isDraining()) connection.close(drainClose(DRAIN_SPREAD_MS));
      const { since, resync } = await resumePoint(this.#options.services, readSince(parameters));
      clearTimeout(late);
      await session.open(since, resync);
    } catch (error) {
      if (!(error instanceof ChatError)) this.#options.services.log.error('websocket-failed', { error });
      connection.close(error instanceof ChatError ? (closeFor(error) ?? CLOSE.badFrame) : CLOSE.goingAway);
    } finally {
      clearTimeout(late);
    }
  }

  /** Asked again after an await. */
  #isDraining(): boolean {
    return this.#draining;
  }

  async #operator(request: IncomingMessage): Promise<ClientKind> {
    return new OperatorKind(this.#options.services, await this.#options.authenticateOperator(request));
  }

  /** One too many of his page ends the oldest one of it; of himself, or of where he comes from, it is refused. */
  async #visitor(parameters: Parameters, request: IncomingMessage, connection: Connection): Promise<ClientKind> {
    const { services, addressOf } = this.#options;
    const known = await services.pages.authenticate(
      parameters.text('page-id', { max: MAX_PAGE_ID }),
      parameters.text('auth-token', { max: 100 }),
    );
    if (readSince(parameters) === undefined) await services.admission.visitorRead(known.visitorId); // a full update will be read
    const page = await services.pages.again(known);
    const address = addressOf(request);
    const holder = { pageId: page.id, visitorId: page.visitorId, address };
    const leave = this.#held.enter(holder, () => connection.close({ code: CLOSE.tooMany.code, reason: retryReason(REPLACED_RETURN_MS) }));
    connection.onClose(leave);
    return new VisitorKind(services, { page, address });
  }

  #pingTurn(): void {
    this.#nextTurn = (this.#nextTurn + 1) % PING_TURNS;
    this.#waiting.look();
    for (const session of this.#turns[this.#nextTurn] ?? []) session.ping();
    for (const session of this.#turns[(this.#nextTurn + PING_TURNS - PONG_WITHIN_TURNS) % PING_TURNS] ?? []) session.checkPong();
  }
}

function closeFor(error: ChatError): CloseCode | { readonly code: number; readonly reason: string } | undefined {
  switch (error.code) {
    case 'unauthenticated':
      return CLOSE.unauthorized;
    case 'forbidden':
      if (error.reason === 'visitor-banned') return CLOSE.reinit; // the init tells him
      return error.reason === 'operator-disabled' ? CLOSE.operatorDisabled : CLOSE.unauthorized;
    case 'reinit-required':
      return CLOSE.reinit;
    case 'unavailable':
      return { code: CLOSE.draining.code, reason: retryReason(1_000) };
    case 'rate-limited':
      return { code: CLOSE.tooMany.code, reason: retryReason(error.details.retryAfterMs ?? 1_000) };
    default:
      return undefined;
  }
}

function drainClose(spreadMs: number): { readonly code: number; readonly reason: string } {
  return { code: CLOSE.draining.code, reason: retryReason(Math.round(Math.random() * spreadMs)) };
}
