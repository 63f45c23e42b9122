/**
 * How much this node lets in, so that a storm or an abuser costs the others little: new WebSockets per second, open
 * WebSockets, actions and reads per visitor. What is refused is told when to come back, spread by the server.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { ChatError } from '../domain/error.ts';
import type { Clock, Counter, LabelledCounter, Metrics } from '../ports/index.ts';
import { ExpiringMap } from './expiring-map.ts';
import { RateLimit } from './rate-limit.ts';

/** Visitors whose pace is remembered; one that is forgotten has a full burst again. */
const MAX_VISITORS = 100_000;
const VISITOR_FORGOTTEN_MS = 60_000;
const VISITOR_BURST = 5;
/** An app that starts again and again, or tabs of a browser that is restored. */
const INITS_PER_SECOND = 2;
/** A visitor's action waits so long at most; an SDK sends one after the other, and gives up after 44 s. */
const MAX_WAIT_MS = 2_000;
/** The rest of the connections is for requests. */
const WEBSOCKET_SHARE = 0.9;
/** The rest of the WebSockets is for operators. */
const VISITOR_SHARE = 0.9;
/** Who comes a little before his place would be refused again. */
const RETURN_SLACK_MS = 100;
/** Nobody is sent away for much longer, however many want in. */
const MAX_RETURN_MS = 20_000;
/** Those who find no room come back spread over this time. */
const FULL_SPREAD_MS = 10_000;

export interface AdmissionOptions {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly maxConnections: number;
  readonly handshakesPerSecond: number;
  readonly visitorActionsPerSecond: number;
  readonly visitorReadsPerSecond: number;
}

export class Admission {
  readonly #clock: Clock;
  readonly #maxWebSockets: Readonly<Record<'operator' | 'visitor', number>>;
  readonly #handshakeMs: number;
  readonly #handshakes: RateLimit;
  /** Operators have a rate of their own: no storm of visitors holds them up. */
  readonly #handshakesSpent = { operator: 0, visitor: 0 };
  readonly #returns: RateLimit;
  #returnsSpent = 0;
  readonly #actions: VisitorPace;
  readonly #reads: VisitorPace;
  readonly #inits: VisitorPace;
  readonly #refused: LabelledCounter;

  constructor({ clock, metrics, maxConnections, handshakesPerSecond, visitorActionsPerSecond, visitorReadsPerSecond }: AdmissionOptions) {
    this.#clock = clock;
    const maxWebSockets = Math.floor(maxConnections * WEBSOCKET_SHARE);
    this.#maxWebSockets = { operator: maxWebSockets, visitor: Math.floor(maxWebSockets * VISITOR_SHARE) };
    this.#handshakeMs = 1_000 / handshakesPerSecond;
    this.#handshakes = new RateLimit(handshakesPerSecond, handshakesPerSecond);
    this.#returns = new RateLimit(handshakesPerSecond, 0);
    this.#actions = new VisitorPace(clock, visitorActionsPerSecond);
    this.#reads = new VisitorPace(clock, visitorReadsPerSecond);
    this.#inits = new VisitorPace(clock, INITS_PER_SECOND);
    this.#refused = metrics.labelled(
      'admission_refused_total',
      'What was told to come back later: handshake, connection, action, read, init',
      'what',
    );
    this.#actions.slowed = metrics.counter('visitor_actions_slowed_total', 'Actions of visitors that waited because they came too fast');
    this.#reads.slowed = metrics.counter('visitor_reads_slowed_total', 'Reads of visitors that waited because they came too fast');
    this.#inits.slowed = metrics.counter('visitor_inits_slowed_total', 'Inits of one visitor that waited because they came too fast');
    metrics.gauge(
      'visitor_paces',
      'Visitors whose pace is remembered (at most 100000 of actions, of reads, and of inits)',
      () => this.#actions.size + this.#reads.size + this.#inits.size,
    );
  }

  /** Throws `rate-limited` with the time after which this client should come back. */
  webSocket(who: 'operator' | 'visitor', open: number): void {
    if (open >= this.#maxWebSockets[who]) throw this.#tooMany('connection', 1_000 + Math.random() * FULL_SPREAD_MS);
    const nowMs = this.#clock.nowMs();
    const { waitMs, spentMs } = this.#handshakes.next(this.#handshakesSpent[who], nowMs);
    if (waitMs === 0) {
      this.#handshakesSpent[who] = spentMs;
      return;
    }
    // Each gets a place of its own in the time to come, at the rate at which they can be served.
    const place = this.#returns.next(this.#returnsSpent, nowMs);
    if (place.waitMs > MAX_RETURN_MS) throw this.#tooMany('handshake', MAX_RETURN_MS * (0.5 + Math.random()));
    this.#returnsSpent = place.spentMs;
    throw this.#tooMany('handshake', place.waitMs + RETURN_SLACK_MS);
  }

  /** How long it takes to let so many WebSockets in again. */
  handshakeMs(count: number): number {
    return count * this.#handshakeMs;
  }

  /** What the visitor must wait for before he acts; nothing, nearly always. Throws `rate-limited` when that would take too long. */
  visitorAction(visitorId: string): Promise<void> | undefined {
    return this.#actions.next(visitorId, waitMs => this.#tooMany('action', waitMs));
  }

  /** The same before he reads what may be large: history, searches, files, a full update. */
  visitorRead(visitorId: string): Promise<void> | undefined {
    return this.#reads.next(visitorId, waitMs => this.#tooMany('read', waitMs));
  }

  /** The same before he inits. */
  visitorInit(visitorId: string): Promise<void> | undefined {
    return this.#inits.next(visitorId, waitMs => this.#tooMany('init', waitMs));
  }

  #tooMany(what: 'handshake' | 'connection' | 'action' | 'read' | 'init', retryAfterMs: number): ChatError {
    this.#refused.inc(what);
    return new ChatError('rate-limited', 'rate-limited', `too many at once: ${what}`, { retryAfterMs: Math.ceil(retryAfterMs) });
  }
}

/** One rate for each visitor. */
class VisitorPace {
  readonly #clock: Clock;
  readonly #pace: RateLimit;
  readonly #visitors: ExpiringMap<string, number>;
  slowed: Counter | undefined;

  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#pace = new RateLimit(perSecond, perSecond * VISITOR_BURST);
    this.#visitors = new ExpiringMap(clock, MAX_VISITORS);
  }

  get size(): number {
    return this.#visitors.size;
  }

  next(visitorId: string, tooMany: (waitMs: number) => ChatError): Promise<void> | undefined {
    const { waitMs, spentMs } = this.#pace.next(this.#visitors.get(visitorId) ?? 0, this.#clock.nowMs());
    if (waitMs > MAX_WAIT_MS) throw tooMany(waitMs);
    this.#visitors.set(visitorId, spentMs, VISITOR_FORGOTTEN_MS);
    if (waitMs === 0) return undefined;
    this.slowed?.inc();
    return wait(waitMs);
  }
}
