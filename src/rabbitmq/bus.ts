/**
 * The Bus port on RabbitMQ. Publishes one message per commit with pipelined confirms that nobody waits for; keeps
 * nothing for later, because the change log is the backlog. What it cannot read it counts and drops.
 */
import type { Bus, BusHandlers, Counter, Log, Metrics, OutgoingEnvelope, Signal } from '../ports.ts';
import { decode, encodeEnvelope, encodeSignal, type Sender } from './envelope.ts';
import { type Link, LinkKeeper, type LinkOptions } from './link.ts';
import { exchangesOf } from './topology.ts';

export interface RabbitBusOptions extends Pick<LinkOptions, 'hosts' | 'username' | 'password' | 'virtualHost'> {
  readonly prefix: string;
  readonly nodeName: string;
  readonly incarnation: string;
  readonly installationId: string;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Publishes without a confirm at most; behind that the broker is too slow and peers read the log. */
const MAX_UNCONFIRMED = 1_000;
/** One log line per reason and this time. */
const SAY_AGAIN_MS = 10_000;
const FLUSH_WITHIN_MS = 2_000;

export function createRabbitBus(options: RabbitBusOptions): Bus {
  return new RabbitBus(options);
}

class RabbitBus implements Bus {
  readonly transport = 'rabbitmq';
  readonly #options: RabbitBusOptions;
  readonly #exchanges;
  readonly #sender: Sender;
  readonly #counters: ReturnType<typeof createCounters>;
  readonly #keeper: LinkKeeper;
  readonly #said = new Map<string, number>();
  #handlers: BusHandlers | undefined;
  #link: Link | undefined;
  #reason: string | undefined = 'not started';
  #unconfirmed = 0;

  constructor(options: RabbitBusOptions) {
    const { hosts, username, password, virtualHost, prefix, nodeName, incarnation, installationId, metrics } = options;
    this.#options = options;
    this.#exchanges = exchangesOf(prefix);
    this.#sender = { installation: installationId, node: nodeName, incarnation };
    this.#counters = createCounters(metrics);
    metrics.gauge('bus_connected', '1 while this node is connected to the broker', () => (this.connected ? 1 : 0));
    metrics.gauge('bus_unconfirmed', 'Publishes that the broker has not confirmed yet (at most 1000)', () => this.#unconfirmed);
    this.#keeper = new LinkKeeper({
      hosts,
      username,
      password,
      virtualHost,
      connectionName: nodeName,
      exchanges: this.#exchanges,
      onMessage: (content, exchange, sender) => {
        if (sender !== this.#sender.incarnation) this.#receive(content, exchange);
      },
      onState: (link, reason) => this.#setLink(link, reason),
    });
  }

  get connected(): boolean {
    return this.#link !== undefined;
  }

  get reason(): string | undefined {
    return this.#reason;
  }

  async start(handlers: BusHandlers): Promise<void> {
    this.#handlers = handlers;
    await this.#keeper.start();
  }

  publish(envelope: OutgoingEnvelope): void {
    if (this.#send(this.#exchanges.changes, encodeEnvelope(this.#sender, envelope))) this.#counters.out.inc();
    else this.#counters.skipped.inc();
  }

  publishSignal(signal: Signal): void {
    if (this.#send(this.#exchanges.signals, encodeSignal(this.#sender, signal))) this.#counters.signalsOut.inc();
  }

  async stop(): Promise<void> {
    const link = this.#link;
    this.#handlers = undefined;
    this.#link = undefined;
    if (link !== undefined && this.#unconfirmed > 0) {
      const late = new Promise(resolve => setTimeout(resolve, FLUSH_WITHIN_MS).unref());
      await Promise.race([link.publisher.waitForConfirms().catch(() => undefined), late]);
    }
    await this.#keeper.stop();
  }

  #send(exchange: string, content: Buffer): boolean {
    const link = this.#link;
    if (link === undefined || link.blocked || this.#unconfirmed >= MAX_UNCONFIRMED) return false;
    try {
      this.#unconfirmed += 1;
      link.publisher.publish(exchange, '', content, { appId: this.#sender.incarnation }, error => {
        if (link !== this.#link) return; // counted anew since the link was lost
        this.#unconfirmed -= 1;
        if (error !== null) this.#counters.nacks.inc();
      });
      return true;
    } catch {
      this.#unconfirmed -= 1; // the channel is closing; its 'close' is on the way
      return false;
    }
  }

  #receive(content: Buffer, exchange: string): void {
    const handlers = this.#handlers;
    if (handlers === undefined) return;
    try {
      const received = decode(content, this.#sender);
      switch (received.kind) {
        case 'own':
          return;
        case 'envelope':
          this.#counters.in.inc();
          handlers.envelope(received.envelope);
          return;
        case 'signal':
          this.#counters.signalsIn.inc();
          handlers.signal(received.signal);
          return;
        case 'foreign':
          this.#counters.foreign.inc();
          this.#say('foreign-envelope', {
            installation: received.installation,
            sender: received.node,
            prefix: this.#options.prefix,
            exchange,
          });
          return;
        case 'poison':
          this.#counters.poison.inc();
          this.#say('poison-message', { reason: received.reason, bytes: content.length, exchange });
          return;
      }
    } catch (error) {
      this.#counters.poison.inc(); // a handler failed: the message is dropped, the log repairs
      this.#say('message-not-handled', { error, exchange });
    }
  }

  #setLink(link: Link | undefined, reason: string): void {
    const was = this.#link;
    this.#link = link;
    this.#reason = link === undefined ? reason : undefined;
    this.#unconfirmed = 0;
    if (link !== undefined) {
      this.#counters.connects.inc();
      this.#options.log.info('bus-connected', { prefix: this.#options.prefix });
      this.#handlers?.resumed();
    } else if (was !== undefined) {
      this.#options.log.warn('bus-interrupted', { reason });
      this.#handlers?.interrupted();
    } else {
      this.#say('bus-unreachable', { reason });
      this.#handlers?.interrupted();
    }
  }

  #say(event: string, fields: Readonly<Record<string, unknown>>): void {
    const nowMs = performance.now();
    if (nowMs - (this.#said.get(event) ?? -SAY_AGAIN_MS) < SAY_AGAIN_MS) return;
    this.#said.set(event, nowMs);
    this.#options.log.warn(event, fields);
  }
}

function createCounters(
  metrics: Metrics,
): Readonly<Record<'out' | 'in' | 'skipped' | 'poison' | 'foreign' | 'nacks' | 'signalsOut' | 'signalsIn' | 'connects', Counter>> {
  return {
    out: metrics.counter('bus_envelopes_out_total', 'Envelopes published'),
    in: metrics.counter('bus_envelopes_in_total', 'Envelopes of other nodes received'),
    skipped: metrics.counter(
      'bus_envelopes_skipped_total',
      'Envelopes not published (broker away, blocked or too slow): peers read the log',
    ),
    poison: metrics.counter('bus_poison_total', 'Messages dropped because they could not be read or handled'),
    foreign: metrics.counter('bus_foreign_total', 'Envelopes of another installation with the same prefix'),
    nacks: metrics.counter('bus_nacks_total', 'Publishes that the broker refused'),
    signalsOut: metrics.counter('bus_signals_out_total', 'Signals published'),
    signalsIn: metrics.counter('bus_signals_in_total', 'Signals of other nodes received'),
    connects: metrics.counter('bus_connects_total', 'Times the link to the broker was built'),
  };
}
