/**
 * Consumes this node's queue and hands what it holds to the handlers. What cannot be read or handled is counted, said
 * (once per reason and minute) and dropped: the log repairs, and the consumer never dies of a message.
 */
import type { ChannelModel, ConsumeMessage } from 'amqplib';
import type { BusHandlers, Counter, Log, LogFields } from '../ports/index.ts';
import type { Lost } from './connection.ts';
import { decode, installationOf, MAX_MESSAGE_BYTES, type Sender } from '../bus/envelope.ts';
import type { FreshSignals } from '../bus/fresh-signals.ts';
import type { Signer } from '../bus/signature.ts';
import { declareExchanges, declareTopology, type Exchanges } from './topology.ts';

export interface SubscriberOptions {
  readonly self: Sender;
  readonly signer: Signer;
  /** Is this the name of a node of our cluster? */
  readonly isMember: (nodeName: string) => boolean;
  readonly fresh: FreshSignals;
  readonly prefix: string;
  readonly exchanges: Exchanges;
  readonly log: Log;
  readonly counters: Readonly<Record<'envelopes' | 'signals' | 'stale' | 'poison' | 'foreign' | 'forged', Counter>>;
}

/** An exchange deleted by an administrator takes our binding with it, and only those who publish are told. */
const DECLARE_AGAIN_MS = 1_000;

export class Subscriber {
  readonly #options: SubscriberOptions;
  #handlers: BusHandlers | undefined;
  #again: NodeJS.Timeout | undefined;

  constructor(options: SubscriberOptions) {
    this.#options = options;
  }

  /** Without handlers messages are dropped. */
  setHandlers(handlers: BusHandlers | undefined): void {
    this.#handlers = handlers;
  }

  async attach(model: ChannelModel, lost: Lost): Promise<void> {
    const { exchanges, self } = this.#options;
    const channel = await model.createChannel();
    channel.on('error', lost);
    const queue = await declareTopology(channel, exchanges);
    // Without acknowledgements: a node that is too slow fills its queue, which drops the oldest.
    await channel.consume(
      queue,
      message => {
        if (message === null) lost(new Error('the broker cancelled the consumer'));
        else if (message.properties.appId !== self.incarnation) this.#receive(message);
      },
      { noAck: true, exclusive: true },
    );
    let isDeclaring = false; // for as long as the broker blocks this connection it does not answer
    this.#again = setInterval(() => {
      if (isDeclaring) return;
      isDeclaring = true;
      // A failure closes the channel, and that is noticed above.
      declareExchanges(channel, exchanges, queue).then(
        () => (isDeclaring = false),
        () => undefined,
      );
    }, DECLARE_AGAIN_MS);
  }

  detach(): void {
    clearInterval(this.#again);
  }

  /** Its size first, then who has signed it, and only then what it says: none of it is trusted before. */
  #receive({ content, fields: { exchange }, properties }: ConsumeMessage): void {
    const handlers = this.#handlers;
    if (handlers === undefined) return;
    const { self, signer, isMember, fresh, prefix, log, counters } = this.#options;
    const bytes = content.length;
    if (bytes > MAX_MESSAGE_BYTES) {
      counters.poison.inc();
      log.warn('poison-message', { reason: 'too large', bytes, exchange }, 'poison: too large');
      return;
    }
    const installation = installationOf(content);
    if (installation !== undefined && installation !== self.installation) {
      counters.foreign.inc();
      log.warn('foreign-envelope', { installation, prefix, exchange }, 'foreign');
      return;
    }
    if (!signer.isSigned(content, (properties.headers as Record<string, unknown> | undefined)?.['signature'])) {
      this.#forged('the signature is wrong or missing', { bytes, exchange });
      return;
    }
    const received = decode(content, self);
    if ((received.kind === 'envelope' || received.kind === 'signal') && !isMember(received.node)) {
      this.#forged('the sender is no node of this cluster', { sender: received.node, bytes, exchange });
      return;
    }
    try {
      switch (received.kind) {
        case 'own':
          return;
        case 'foreign': // a copy of this installation: the secret is the same, the database is not
          counters.foreign.inc();
          log.warn('foreign-envelope', { installation: received.installation, sender: received.node, prefix, exchange }, 'foreign: a copy');
          return;
        case 'envelope':
          counters.envelopes.inc();
          handlers.envelope(received.envelope);
          return;
        case 'signal':
          if (!fresh.accept(received.sent)) {
            counters.stale.inc();
            return;
          }
          counters.signals.inc();
          handlers.signal(received.signal);
          return;
        case 'poison':
          counters.poison.inc();
          log.warn('poison-message', { reason: received.reason, bytes, exchange }, `poison: ${received.reason}`);
          return;
      }
    } catch (error) {
      counters.poison.inc();
      log.warn('message-not-handled', { error, exchange }, 'message-not-handled');
    }
  }
  #forged(reason: string, fields: LogFields): void {
    const { counters, log } = this.#options;
    counters.forged.inc();
    log.warn('forged-message', { reason, ...fields }, `forged: ${reason}`);
  }
}
