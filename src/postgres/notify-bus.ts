/**
 * The Bus port on PostgreSQL's own LISTEN/NOTIFY, for a cluster without a broker. A notification carries only which
 * revisions are new; receivers read them from the log. On a direct connection of its own, because a pooler in
 * transaction mode forgets who listens.
 *
 *   channel tandem_changes   <incarnation> <first> <last>
 *   channel tandem_signals   <incarnation> <signal as JSON>
 *
 * Nothing is signed here: whoever may notify may also write the tables.
 */
import type pg from 'pg';
import { setTimeout as wait } from 'node:timers/promises';
import { isSignal, type Signal } from '../domain/signal.ts';
import type { Bus, BusHandlers, Counter, Log, Metrics, OutgoingEnvelope } from '../ports/index.ts';
import type { Database } from './database.ts';

const CHANGES = 'tandem_changes';
const SIGNALS = 'tandem_signals';
/** PostgreSQL refuses payloads of 8,000 bytes and more. */
const MAX_PAYLOAD_BYTES = 7_900;
/** Notifications that wait for the ones in flight; more are not sent, the log has them. */
const MAX_WAITING = 1_000;
/** A connection that is only cut in the middle is noticed by a question that nobody answers (within 6 s more). */
const PROBE_EVERY_MS = 5_000;
const MIN_DELAY_MS = 200;
const MAX_DELAY_MS = 5_000;

export interface NotifyBusOptions {
  /** The server itself, not a pooler. */
  readonly database: Database;
  readonly incarnation: string;
  readonly log: Log;
  readonly metrics: Metrics;
}

export function createNotifyBus(options: NotifyBusOptions): Bus {
  return new NotifyBus(options);
}

class NotifyBus implements Bus {
  readonly transport = 'postgresql';
  readonly #options: NotifyBusOptions;
  readonly #counters: Readonly<Record<'out' | 'envelopes' | 'skipped' | 'poison' | 'signalsOut' | 'signals' | 'reconnects', Counter>>;
  readonly #stopping = new AbortController();
  readonly #waiting: [channel: string, payload: string][] = [];
  #client: pg.Client | undefined;
  #handlers: BusHandlers | undefined;
  #reason: string | undefined = 'not started';
  #sending: Promise<void> | undefined;
  #keeping: Promise<void> = Promise.resolve();

  constructor(options: NotifyBusOptions) {
    this.#options = options;
    const { metrics } = options;
    this.#counters = {
      out: metrics.counter('bus_envelopes_out_total', 'Envelopes published'),
      envelopes: metrics.counter('bus_envelopes_in_total', 'Envelopes of other nodes received'),
      skipped: metrics.counter('bus_envelopes_skipped_total', 'Envelopes not published (bus away or too slow): peers read the log'),
      poison: metrics.counter('bus_poison_total', 'Messages dropped because they could not be read or handled'),
      signalsOut: metrics.counter('bus_signals_out_total', 'Signals published'),
      signals: metrics.counter('bus_signals_in_total', 'Signals of other nodes received'),
      reconnects: metrics.counter('bus_reconnects_total', 'Times the connection to the bus was built again'),
    };
    metrics.gauge('bus_connected', '1 while this node is connected to the bus', () => (this.connected ? 1 : 0));
    metrics.gauge('bus_unconfirmed', 'Notifications that wait to be sent (at most 1000)', () => this.#waiting.length);
  }

  get connected(): boolean {
    return this.#client !== undefined;
  }

  get reason(): string | undefined {
    return this.#reason;
  }

  /** Resolves after the first attempt, connected or not; goes on trying until stopped. */
  async start(handlers: BusHandlers): Promise<void> {
    this.#handlers = handlers;
    await new Promise<void>(resolve => {
      this.#keeping = this.#keepConnected(resolve);
    });
  }

  /** Its database has it. */
  setPassword(): void {}

  publish({ first, last }: OutgoingEnvelope): void {
    const isSent = this.#send(CHANGES, `${this.#options.incarnation} ${first} ${last}`);
    (isSent ? this.#counters.out : this.#counters.skipped).inc();
  }

  publishSignal(signal: Signal): void {
    const payload = `${this.#options.incarnation} ${JSON.stringify(signal)}`;
    if (Buffer.byteLength(payload) <= MAX_PAYLOAD_BYTES && this.#send(SIGNALS, payload)) this.#counters.signalsOut.inc();
  }

  async stop(): Promise<void> {
    await this.#sending;
    this.#handlers = undefined;
    this.#stopping.abort();
    await this.#keeping;
    this.#reason = 'stopped';
  }

  #send(channel: string, payload: string): boolean {
    if (this.#client === undefined || this.#waiting.length >= MAX_WAITING) return false;
    this.#waiting.push([channel, payload]);
    this.#sending ??= this.#flush();
    return true;
  }

  /** What gathers while one statement is on its way goes with the next one. */
  async #flush(): Promise<void> {
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0);
      const columns = [batch.map(([channel]) => channel), batch.map(([, payload]) => payload)];
      try {
        await this.#client?.query('select pg_notify(c, p) from unnest($1::text[], $2::text[]) n(c, p)', columns);
      } catch {
        this.#waiting.length = 0; // the probe or the connection's end tells of it; what was lost is in the log
      }
    }
    this.#sending = undefined;
  }

  async #keepConnected(firstAttemptDone: () => void): Promise<void> {
    const { signal } = this.#stopping;
    let wasDown = false;
    for (let failures = 0; !signal.aborted; ) {
      try {
        await this.#listenUntilLost(wasDown, () => {
          failures = 0;
          firstAttemptDone();
        });
      } catch (error) {
        this.#down(error);
      }
      wasDown = true;
      firstAttemptDone();
      const delayMs = Math.min(MIN_DELAY_MS * 2 ** failures++, MAX_DELAY_MS / 2) * (1 + Math.random());
      await wait(delayMs, undefined, { signal }).catch(() => undefined);
    }
    firstAttemptDone();
  }

  /** Rejects when the connection is lost. */
  async #listenUntilLost(isAgain: boolean, up: () => void): Promise<void> {
    const { signal } = this.#stopping;
    const client = await this.#options.database.connect();
    try {
      let endWith: (error: unknown) => void = () => undefined;
      const lost = new Promise<never>((_, reject) => {
        endWith = reject;
        client.on('error', reject).on('end', () => reject(new Error('the connection was closed')));
        signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true });
      });
      lost.catch(() => undefined); // also when it is lost before it is awaited
      client.on('notification', ({ channel, payload = '' }) => this.#receive(channel, payload));
      await client.query(`listen ${CHANGES}; listen ${SIGNALS}`);
      this.#client = client;
      this.#reason = undefined;
      up();
      this.#options.log.info('bus-connected', { transport: this.transport });
      if (isAgain) {
        this.#counters.reconnects.inc();
        this.#handlers?.resumed();
      }
      const probe = setInterval(() => void client.query('select 1').catch(endWith), PROBE_EVERY_MS);
      await lost.finally(() => clearInterval(probe));
    } finally {
      this.#client = undefined;
      this.#waiting.length = 0;
      const { stream } = client.connection;
      stream.destroy();
      if (!stream.closed) await new Promise(resolve => stream.once('close', resolve));
    }
  }

  #down(error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    const reason = error instanceof Error ? error.message : String(error);
    const isNews = this.#reason !== reason;
    this.#reason = reason;
    if (!isNews) return;
    this.#options.log.warn('bus-interrupted', { reason }, 'bus-interrupted');
    this.#handlers?.interrupted();
  }

  #receive(channel: string, payload: string): void {
    const handlers = this.#handlers;
    const blank = payload.indexOf(' ');
    if (handlers === undefined || payload.slice(0, blank) === this.#options.incarnation) return;
    const content = payload.slice(blank + 1);
    try {
      if (channel === SIGNALS) {
        const signal: unknown = JSON.parse(content);
        if (!isSignal(signal)) throw new Error('not a signal');
        this.#counters.signals.inc();
        handlers.signal(signal);
      } else {
        const [first, last] = content.split(' ').map(Number);
        if (!Number.isSafeInteger(first) || !Number.isSafeInteger(last)) throw new Error('no revisions');
        this.#counters.envelopes.inc();
        handlers.envelope({ first: first ?? 0, last: last ?? 0, batchId: undefined, changes: undefined, bytes: payload.length });
      }
    } catch (error) {
      this.#counters.poison.inc();
      this.#options.log.warn('poison-message', { channel, bytes: payload.length, error }, 'poison-message');
    }
  }
}
