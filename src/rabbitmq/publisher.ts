/**
 * Publishes with pipelined confirms that nobody awaits. Bounded: what the broker does not take now is not published
 * at all, because the change log is the backlog and peers read it there.
 */
import type { ChannelModel, ConfirmChannel } from 'amqplib';
import type { Counter, Log } from '../ports/index.ts';
import type { Lost } from './connection.ts';
import type { Signer } from '../bus/signature.ts';

/** Without a confirm at most; behind that the broker is too slow. */
const MAX_UNCONFIRMED = 1_000;
const MAX_UNCONFIRMED_BYTES = 16_777_216;
/** amqplib's word for a basic.nack; other errors mean that the channel is gone and the outcome unknown. */
const NACKED = 'message nacked';

/** What is under way on one channel; a new channel starts with a new one, so late answers of the old one do no harm. */
interface Flow {
  unconfirmed: number;
  unconfirmedBytes: number;
  /** The broker asked to stop (memory or disk alarm). */
  isBlocked: boolean;
  /** The socket does not take more for now. */
  isFull: boolean;
}

export class Publisher {
  readonly #senderId: string;
  readonly #signer: Signer;
  readonly #log: Log;
  readonly #nacks: Counter;
  #channel: ConfirmChannel | undefined;
  #flow: Flow = idleFlow();
  #onIdle: (() => void) | undefined;

  constructor(options: { readonly senderId: string; readonly signer: Signer; readonly log: Log; readonly nacks: Counter }) {
    this.#senderId = options.senderId;
    this.#signer = options.signer;
    this.#log = options.log;
    this.#nacks = options.nacks;
  }

  get unconfirmed(): number {
    return this.#flow.unconfirmed;
  }

  async attach(model: ChannelModel, lost: Lost): Promise<void> {
    const flow = idleFlow();
    model.on('blocked', (reason: string) => {
      flow.isBlocked = true;
      this.#log.warn('bus-blocked', { reason }, 'bus-blocked');
    });
    model.on('unblocked', () => {
      flow.isBlocked = false;
      this.#log.info('bus-unblocked');
    });
    const channel = await model.createConfirmChannel();
    channel.on('error', lost).on('drain', () => {
      flow.isFull = false;
    });
    this.#flow = flow;
    this.#channel = channel;
  }

  detach(): void {
    this.#channel = undefined;
    this.#flow = idleFlow();
    this.#onIdle?.();
  }

  /** False: not published, and it will not be. */
  publish(exchange: string, content: Buffer): boolean {
    const channel = this.#channel;
    const flow = this.#flow;
    if (channel === undefined || !canTake(flow)) return false;
    const bytes = content.length;
    try {
      const properties = { appId: this.#senderId, headers: { signature: this.#signer.sign(content) } };
      const hasRoom = channel.publish(exchange, '', content, properties, (error: unknown) => {
        if (error instanceof Error && error.message === NACKED) this.#nacks.inc();
        flow.unconfirmed -= 1;
        flow.unconfirmedBytes -= bytes;
        if (flow === this.#flow && flow.unconfirmed === 0) this.#onIdle?.();
      });
      flow.isFull = !hasRoom;
    } catch {
      return false; // the channel is closing; its 'close' is on the way
    }
    flow.unconfirmed += 1;
    flow.unconfirmedBytes += bytes;
    return true;
  }

  /** Resolves when all is confirmed, or the channel is lost, or the time is over. */
  async flush(withinMs: number): Promise<void> {
    if (this.#flow.unconfirmed === 0) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>(resolve => {
      this.#onIdle = resolve;
      timer = setTimeout(resolve, withinMs);
    });
    clearTimeout(timer);
    this.#onIdle = undefined;
  }
}

function idleFlow(): Flow {
  return { unconfirmed: 0, unconfirmedBytes: 0, isBlocked: false, isFull: false };
}

function canTake({ unconfirmed, unconfirmedBytes, isBlocked, isFull }: Flow): boolean {
  return !isBlocked && !isFull && unconfirmed < MAX_UNCONFIRMED && unconfirmedBytes < MAX_UNCONFIRMED_BYTES;
}
