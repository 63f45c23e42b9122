/**
 * The Bus port on RabbitMQ, put together from a connection, a publisher and a subscriber. One message per commit;
 * keeps nothing for later, because the change log is the backlog.
 */
import type { Signal } from '../domain/signal.ts';
import type { Microseconds } from '../domain/time.ts';
import type { Bus, BusHandlers, Counter, Log, Metrics, OutgoingEnvelope } from '../ports/index.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { encodeEnvelope, encodeSignal, type Sender } from '../bus/envelope.ts';
import { FreshSignals } from '../bus/fresh-signals.ts';
import { Publisher } from './publisher.ts';
import { brokerText, isMismatch } from './reason.ts';
import { createSigner } from '../bus/signature.ts';
import { Subscriber } from './subscriber.ts';
import { EXCHANGE, EXCHANGE_TYPE, exchangesOf, QUEUE } from './topology.ts';

export interface RabbitBusOptions extends Pick<ConnectionOptions, 'hosts' | 'username' | 'password' | 'virtualHost' | 'tls'> {
  /** Of the names of our exchanges: clusters that share a virtual host differ in it. */
  readonly prefix: string;
  readonly nodeName: string;
  readonly incarnation: string;
  readonly installationId: string;
  /** Of the database: of which cluster of PostgreSQL it is. It may change while the node runs. */
  readonly origin: () => string;
  /** Envelopes are signed with a key made of it. */
  readonly installationSecret: string;
  readonly isMember: (nodeName: string) => boolean;
  /** The database's time. */
  readonly nowUs: () => Microseconds;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** With a second for closing, stop() takes less than 3 s. */
const FLUSH_WITHIN_MS = 1_500;

export function createRabbitBus(options: RabbitBusOptions): Bus {
  return new RabbitBus(options);
}

class RabbitBus implements Bus {
  readonly transport = 'rabbitmq';
  readonly #prefix: string;
  readonly #log: Log;
  readonly #exchanges;
  readonly #sender: Sender;
  readonly #nowUs: () => Microseconds;
  #signalsSent = 0;
  readonly #counters;
  readonly #publisher: Publisher;
  readonly #subscriber: Subscriber;
  readonly #connection: Connection;
  #handlers: BusHandlers | undefined;
  #state: 'starting' | 'up' | 'down' | 'stopped' = 'starting';
  #reason: string | undefined = 'not started';
  #stopping: Promise<void> | undefined;

  constructor(options: RabbitBusOptions) {
    const { prefix, nodeName, incarnation, installationId, isMember, log, metrics } = options;
    const signer = createSigner(options.installationSecret);
    this.#prefix = prefix;
    this.#log = log;
    this.#exchanges = exchangesOf(prefix);
    const { origin } = options;
    this.#sender = {
      installation: installationId,
      node: nodeName,
      incarnation,
      get origin() {
        return origin();
      },
    };
    this.#nowUs = options.nowUs;
    this.#counters = createCounters(metrics);
    this.#publisher = new Publisher({ senderId: incarnation, signer, log, nacks: this.#counters.nacks });
    this.#subscriber = new Subscriber({
      self: this.#sender,
      signer,
      isMember,
      fresh: new FreshSignals(options.nowUs),
      prefix,
      exchanges: this.#exchanges,
      log,
      counters: this.#counters,
    });
    this.#connection = new Connection({
      ...options,
      connectionName: nodeName,
      setUp: async (model, lost) => {
        await this.#publisher.attach(model, lost);
        await this.#subscriber.attach(model, lost);
      },
      onUp: () => this.#up(),
      onDown: (reason, error) => this.#down(reason, error),
    });
    metrics.gauge('bus_connected', '1 while this node is connected to the broker', () => (this.connected ? 1 : 0));
    metrics.gauge('bus_unconfirmed', 'Publishes that the broker has not confirmed yet (at most 1000)', () => this.#publisher.unconfirmed);
  }

  get connected(): boolean {
    return this.#state === 'up';
  }

  get reason(): string | undefined {
    return this.#reason;
  }

  async start(handlers: BusHandlers): Promise<void> {
    this.#handlers = handlers;
    this.#subscriber.setHandlers(handlers);
    await this.#connection.start();
  }

  setPassword(password: string): void {
    this.#connection.setPassword(password);
  }

  publish(envelope: OutgoingEnvelope): void {
    const isSent = this.connected && this.#publisher.publish(this.#exchanges.changes, encodeEnvelope(this.#sender, envelope));
    (isSent ? this.#counters.out : this.#counters.skipped).inc();
  }

  publishSignal(signal: Signal): void {
    const isSent =
      this.connected &&
      this.#publisher.publish(this.#exchanges.signals, encodeSignal(this.#sender, signal, this.#nowUs(), ++this.#signalsSent));
    if (isSent) this.#counters.signalsOut.inc();
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#end();
    return this.#stopping;
  }

  async #end(): Promise<void> {
    this.#state = 'stopped';
    this.#reason = 'stopped';
    this.#handlers = undefined;
    this.#subscriber.setHandlers(undefined);
    await this.#publisher.flush(FLUSH_WITHIN_MS);
    await this.#connection.stop();
    this.#detach();
  }

  #up(): void {
    if (this.#state === 'stopped') return;
    const wasDown = this.#state === 'down';
    this.#state = 'up';
    this.#reason = undefined;
    this.#log.info('bus-connected', { prefix: this.#prefix });
    if (!wasDown) return; // start() says so by resolving
    this.#counters.reconnects.inc();
    this.#tell('resumed');
  }

  #down(reason: string, error: unknown): void {
    this.#detach();
    if (this.#state === 'stopped') return;
    const isNews = this.#state !== 'down' || this.#reason !== reason;
    const wasUp = this.#state === 'up';
    this.#state = 'down';
    this.#reason = reason;
    if (isMismatch(error)) {
      const ours = { exchanges: { names: this.#exchanges, type: EXCHANGE_TYPE, ...EXCHANGE }, queue: QUEUE };
      this.#log.error('bus-topology-mismatch', { broker: brokerText(error), ours }, 'bus-topology-mismatch');
    } else if (wasUp) this.#log.warn('bus-interrupted', { reason }, 'bus-interrupted');
    else this.#log.warn('bus-unreachable', { reason }, 'bus-unreachable');
    if (isNews) this.#tell('interrupted');
  }

  #detach(): void {
    this.#publisher.detach();
    this.#subscriber.detach();
  }

  #tell(what: 'interrupted' | 'resumed'): void {
    try {
      this.#handlers?.[what]();
    } catch (error) {
      this.#log.error('bus-handler-failed', { handler: what, error });
    }
  }
}

function createCounters(
  metrics: Metrics,
): Readonly<
  Record<
    'out' | 'envelopes' | 'skipped' | 'stale' | 'poison' | 'foreign' | 'forged' | 'nacks' | 'signalsOut' | 'signals' | 'reconnects',
    Counter
  >
> {
  return {
    out: metrics.counter('bus_envelopes_out_total', 'Envelopes published'),
    envelopes: metrics.counter('bus_envelopes_in_total', 'Envelopes of other nodes received'),
    skipped: metrics.counter(
      'bus_envelopes_skipped_total',
      'Envelopes not published (broker away, blocked or too slow): peers read the log',
    ),
    stale: metrics.counter('bus_signals_stale_total', 'Signals dropped because they came late or again'),
    poison: metrics.counter('bus_poison_total', 'Messages dropped because they could not be read or handled'),
    foreign: metrics.counter('bus_foreign_total', 'Messages of another installation with the same prefix'),
    forged: metrics.counter('bus_forged_total', 'Messages dropped because no node of this cluster has signed them'),
    nacks: metrics.counter('bus_nacks_total', 'Publishes that the broker refused'),
    signalsOut: metrics.counter('bus_signals_out_total', 'Signals published'),
    signals: metrics.counter('bus_signals_in_total', 'Signals of other nodes received'),
    reconnects: metrics.counter('bus_reconnects_total', 'Times the connection to the broker was built again'),
  };
}
