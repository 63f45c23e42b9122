/**
 * A link is everything that a node has at the broker: one connection, a channel to publish with confirms, one to
 * consume, the topology. Whatever of it is lost (connection, a channel closed by the server, a cancelled consumer),
 * the whole link is thrown away and built again: one way to be connected, and no other code for coming back.
 */
import { type ChannelModel, type ConfirmChannel, type ConsumeMessage, connect } from 'amqplib';
import { declareTopology, type Exchanges } from './topology.ts';

export interface LinkOptions {
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly username: string;
  readonly password: string;
  readonly virtualHost: string;
  readonly connectionName: string;
  readonly exchanges: Exchanges;
  /** `sender`: the publisher's AMQP app-id, by which own messages are known without being parsed. */
  readonly onMessage: (content: Buffer, exchange: string, sender: unknown) => void;
  /** With the link that is there now, or why there is none. */
  readonly onState: (link: Link | undefined, reason: string) => void;
}

export interface Link {
  readonly publisher: ConfirmChannel;
  /** The broker asked to stop publishing (memory or disk alarm). */
  readonly blocked: boolean;
}

/** A half-open connection is noticed after two missed heartbeats. */
const HEARTBEAT_SECONDS = 5;
const CONNECT_TIMEOUT_MS = 5_000;
const FIRST_DELAY_MS = 200;
const MAX_DELAY_MS = 5_000;

export class LinkKeeper {
  readonly #options: LinkOptions;
  #host = 0;
  #failures = 0;
  #model: ChannelModel | undefined;
  #retry: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** Resolves after the first attempt, connected or not; goes on trying until stopped. */
  async start(): Promise<void> {
    await this.#build();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#retry);
    const model = this.#model;
    this.#model = undefined;
    await model?.close().catch(() => undefined);
  }

  async #build(): Promise<void> {
    const { hosts, exchanges, onState } = this.#options;
    const target = hosts[this.#host % hosts.length];
    if (target === undefined) throw new Error('no broker host is configured');
    let model: ChannelModel | undefined;
    try {
      model = await this.#connect(target);
      const lost = this.#watch(model, target);
      const publisher = await model.createConfirmChannel();
      publisher.on('error', lost).on('close', () => lost(new Error('the channel was closed')));
      const consumer = await model.createChannel();
      consumer.on('error', lost).on('close', () => lost(new Error('the channel was closed')));
      const queue = await declareTopology(consumer, exchanges);
      const onMessage = (message: ConsumeMessage | null): void => {
        if (message === null) lost(new Error('the broker cancelled the consumer'));
        else this.#options.onMessage(message.content, message.fields.exchange, message.properties.appId);
      };
      await consumer.consume(queue, onMessage, { noAck: true, exclusive: true });
      if (this.#stopped) {
        await model.close();
        return;
      }
      const link = { publisher, blocked: false };
      model.on('blocked', () => {
        link.blocked = true;
      });
      model.on('unblocked', () => {
        link.blocked = false;
      });
      this.#model = model;
      this.#failures = 0;
      onState(link, '');
    } catch (error) {
      model?.close().catch(() => undefined);
      this.#host += 1;
      this.#lose(sentence(target, error));
    }
  }

  #connect({ host, port }: { host: string; port: number }): Promise<ChannelModel> {
    const { username, password, virtualHost, connectionName } = this.#options;
    return connect(
      { protocol: 'amqp', hostname: host, port, username, password, vhost: virtualHost, heartbeat: HEARTBEAT_SECONDS },
      { timeout: CONNECT_TIMEOUT_MS, noDelay: true, keepAlive: true, clientProperties: { connection_name: connectionName } },
    );
  }

  /** Returns what to call when anything of this link is lost; only the first call counts. */
  #watch(model: ChannelModel, target: { host: string; port: number }): (error?: unknown) => void {
    let isLost = false;
    const lost = (error?: unknown): void => {
      if (isLost) return;
      isLost = true;
      model.close().catch(() => undefined);
      if (this.#model !== model) return; // still being built: the building fails by itself
      this.#model = undefined;
      this.#lose(sentence(target, error));
    };
    model.on('error', lost).on('close', lost);
    return lost;
  }

  #lose(reason: string): void {
    if (this.#stopped) return;
    this.#options.onState(undefined, reason);
    // At once after a link that worked, then slower; jitter keeps nodes from coming back in step.
    const delay = this.#failures === 0 ? 0 : Math.min(FIRST_DELAY_MS * 2 ** (this.#failures - 1), MAX_DELAY_MS);
    this.#failures += 1;
    this.#retry = setTimeout(() => void this.#build(), delay * (0.75 + Math.random() / 2));
  }
}

/** For /status and the log: what is wrong where, never a password. */
function sentence({ host, port }: { host: string; port: number }, error: unknown): string {
  const cause = error instanceof AggregateError ? (error.errors as unknown[])[0] : error;
  const message = cause instanceof Error ? cause.message : 'the connection was lost';
  const what = /ACCESS_REFUSED|403/.test(message) ? `login refused (${message})` : message;
  return `RabbitMQ at ${host}:${port}: ${what}`;
}
