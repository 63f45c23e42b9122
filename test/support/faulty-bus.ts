/** A real bus whose deliveries are lost, doubled, delayed and so reordered, as the contract of Bus allows. */
import type { Bus, BusHandlers, IncomingEnvelope } from '../../src/ports/index.ts';

export interface Faults {
  readonly drop: number;
  readonly double: number;
  readonly maxDelayMs: number;
}

export class FaultyBus implements Bus {
  readonly #bus: Bus;
  readonly #faults: Faults;
  dropped = 0;
  doubled = 0;
  /** Delivered behind a later one. */
  reordered = 0;
  #newest = 0;

  constructor(bus: Bus, faults: Faults) {
    this.#bus = bus;
    this.#faults = faults;
  }

  get transport(): string {
    return this.#bus.transport;
  }

  get connected(): boolean {
    return this.#bus.connected;
  }

  get reason(): string | undefined {
    return this.#bus.reason;
  }

  setPassword(): void {}

  start(handlers: BusHandlers): Promise<void> {
    const deliver = (envelope: IncomingEnvelope): void =>
      void setTimeout(() => {
        if (envelope.first < this.#newest) this.reordered += 1;
        this.#newest = Math.max(this.#newest, envelope.first);
        handlers.envelope(envelope);
      }, Math.random() * this.#faults.maxDelayMs);
    return this.#bus.start({
      ...handlers,
      envelope: envelope => {
        if (Math.random() < this.#faults.drop) {
          this.dropped += 1;
          return;
        }
        deliver(envelope);
        if (Math.random() < this.#faults.double) {
          this.doubled += 1;
          deliver(envelope);
        }
      },
    });
  }

  publish(...args: Parameters<Bus['publish']>): void {
    this.#bus.publish(...args);
  }

  publishSignal(...args: Parameters<Bus['publishSignal']>): void {
    this.#bus.publishSignal(...args);
  }

  stop(): Promise<void> {
    return this.#bus.stop();
  }
}
