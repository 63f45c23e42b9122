/**
 * Keeps one connection to one of several brokers. Whatever of it is lost (socket, heartbeats, a channel closed by the
 * server, a cancelled consumer), the whole connection is thrown away and everything on it is set up again: one way to
 * be connected, and no other code for coming back. amqplib's own `recovery` is not used, because it restores only the
 * connection and leaves channels and consumers that are lost on a living one to us all the same.
 */
import { type ChannelModel, connect } from 'amqplib';
import { describeFailure, type Target } from './reason.ts';

export interface ConnectionOptions {
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly username: string;
  readonly password: string;
  readonly virtualHost: string;
  /** How to speak TLS to the broker of this name; undefined: not at all. */
  readonly tls?: ((host: string) => object) | undefined;
  /** Shown by the broker's management pages. */
  readonly connectionName: string;
  /**
   * Makes all that lives on a connection, on every new one. The first `lost` call ends the connection. A channel's
   * `error` belongs there, its `close` not: it comes after an `error`, or before the connection's own with the reason.
   */
  readonly setUp: (model: ChannelModel, lost: Lost) => Promise<void>;
  readonly onUp: () => void;
  /** Once when it is lost, and after each attempt that failed. */
  readonly onDown: (reason: string, error: unknown) => void;
}

export type Lost = (error?: unknown) => void;

/** amqplib notices a half-open connection two to three beats after its last frame: within 12 s, and 15 s are allowed. */
const HEARTBEAT_SECONDS = 4;
/** For an attempt as a whole: connect, log in, set up. */
const BUILD_WITHIN_MS = 5_000;
const CLOSE_WITHIN_MS = 1_000;
/** From the shortest delay to twice as long, doubled after each failure up to MAX_DELAY_MS; jitter keeps nodes out of step. */
const MIN_DELAY_MS = 200;
const MAX_DELAY_MS = 5_000;
/** One that was lost earlier counts as a failed attempt, so that a fault that comes back does not make a hot loop. */
const PROVEN_AFTER_MS = 10_000;

export class Connection {
  readonly #options: ConnectionOptions;
  #password: string;
  #host = 0;
  #failures = 0;
  #upSinceMs = 0;
  #model: ChannelModel | undefined;
  /** Aborting it destroys the socket: the only way to be rid of a peer that does not answer. */
  #socket = new AbortController();
  #building: Promise<void> = Promise.resolve();
  #retry: NodeJS.Timeout | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: ConnectionOptions) {
    if (options.hosts.length === 0) throw new Error('no RabbitMQ host is configured');
    this.#options = options;
    this.#password = options.password;
  }

  /** For the next connection. */
  setPassword(password: string): void {
    this.#password = password;
  }

  /** Resolves after the first attempt, connected or not; goes on trying until stopped. */
  start(): Promise<void> {
    if (this.#stopping !== undefined) return this.#stopping;
    this.#building = this.#build();
    return this.#building;
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#end();
    return this.#stopping;
  }

  async #end(): Promise<void> {
    clearTimeout(this.#retry);
    const model = this.#model;
    this.#model = undefined;
    if (model === undefined) this.#socket.abort();
    else await close(model, this.#socket);
    await this.#building;
  }

  /** Never rejects. */
  async #build(): Promise<void> {
    const { host, port } = this.#options.hosts[this.#host % this.#options.hosts.length] ?? { host: '', port: 0 };
    const { username, virtualHost, setUp, onUp } = this.#options;
    const target = { host, port, username, virtualHost };
    const socket = new AbortController();
    this.#socket = socket;
    const deadline = setTimeout(() => socket.abort(), BUILD_WITHIN_MS);
    let model: ChannelModel | undefined;
    const life: { loss?: { readonly error: unknown } } = {};
    try {
      const opened = await this.#open(target, socket.signal);
      model = opened;
      // Before anything is awaited: an `error` that nobody listens to would end the process.
      const lost: Lost = error => {
        if (life.loss !== undefined) return;
        life.loss = { error };
        if (this.#model === opened) this.#lose(opened, socket, target, error);
      };
      opened.on('error', lost).on('close', lost);
      await setUp(opened, lost);
      if (this.#stopping !== undefined) throw new Error('stopped');
      if (life.loss !== undefined) throw asError(life.loss.error);
      this.#model = opened;
      this.#upSinceMs = performance.now();
      onUp();
    } catch (error) {
      if (model === undefined) socket.abort();
      else await close(model, socket);
      this.#host += 1;
      this.#down(target, life.loss?.error ?? error);
    } finally {
      clearTimeout(deadline);
    }
  }

  #open({ host, port }: Target, signal: AbortSignal): Promise<ChannelModel> {
    const { username, virtualHost, connectionName, tls } = this.#options;
    // amqplib hands these on to net.connect or tls.connect, which know `signal` although the types of amqplib do not.
    const socketOptions = { ...tls?.(host), signal, noDelay: true, keepAlive: true, clientProperties: { connection_name: connectionName } };
    return connect(
      {
        protocol: tls === undefined ? 'amqp' : 'amqps',
        hostname: host,
        port,
        username,
        password: this.#password,
        vhost: encodeURIComponent(virtualHost),
        heartbeat: HEARTBEAT_SECONDS,
      },
      socketOptions,
    );
  }

  #lose(model: ChannelModel, socket: AbortController, target: Target, error: unknown): void {
    this.#model = undefined;
    if (performance.now() - this.#upSinceMs > PROVEN_AFTER_MS) this.#failures = 0;
    else this.#host += 1;
    void close(model, socket);
    this.#down(target, error);
  }

  #down(target: Target, error: unknown): void {
    if (this.#stopping !== undefined) return;
    const shortest = Math.min(MIN_DELAY_MS * 2 ** this.#failures, MAX_DELAY_MS / 2);
    this.#failures += 1;
    this.#retry = setTimeout(() => void this.start(), shortest * (1 + Math.random()));
    this.#options.onDown(describeFailure(target, error), error);
  }
}

/** Says goodbye if the broker listens; afterwards the socket is gone in any case. Never rejects. */
function close(model: ChannelModel, socket: AbortController): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      clearTimeout(timer);
      socket.abort();
      resolve();
    };
    const timer = setTimeout(done, CLOSE_WITHIN_MS);
    model.close().then(done, done);
  });
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('connection lost');
}
