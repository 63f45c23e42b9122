/**
 * The broker's objects as data, declared on every new connection and said again once a second. All of them may be
 * deleted at any time: nothing that matters lives in the broker.
 *
 *   exchange <prefix>.changes   topic, durable    one message per commit (bus/envelope.ts), routing key empty
 *   exchange <prefix>.signals   topic, durable    one message per signal (typing), routing key empty
 *   queue    (server-named)     exclusive         one per node, bound to both by `#`; gone with the node's connection
 *
 * A message as `rabbitmqadmin get` would show it:
 *
 *   exchange: tandem.changes   routing_key: ""   app_id: 0b0f…  (the sender's incarnation)   delivery_mode: transient
 *   {"v":1,"installation":"6f1c…","node":"chat-slave","incarnation":"0b0f…","first":1000000000017,"last":1000000000017,
 *    "changes":[{"type":"chat-read-by-visitor","chatId":4}]}
 *
 * Works on RabbitMQ 3.10 to 4.x: no mirrored queues, no transient queues that are not exclusive.
 */
import type { Channel, Options } from 'amqplib';

export interface Exchanges {
  readonly changes: string;
  readonly signals: string;
}

export function exchangesOf(prefix: string): Exchanges {
  return { changes: `${prefix}.changes`, signals: `${prefix}.signals` };
}

export const EXCHANGE_TYPE = 'topic';
export const EXCHANGE: Options.AssertExchange = { durable: true, autoDelete: false, internal: false };

/** Dropping the oldest is safe: a receiver sees the hole and reads the log. */
export const MAX_QUEUE_LENGTH = 10_000;

export const QUEUE: Options.AssertQueue = {
  exclusive: true,
  autoDelete: true,
  durable: false,
  arguments: { 'x-queue-type': 'classic', 'x-max-length': MAX_QUEUE_LENGTH, 'x-overflow': 'drop-head' },
};

/** Declares everything; returns the name of this node's queue. */
export async function declareTopology(channel: Channel, exchanges: Exchanges): Promise<string> {
  const { queue } = await channel.assertQueue('', QUEUE);
  await declareExchanges(channel, exchanges, queue);
  return queue;
}

/** The part that others can delete without this node being told; changes nothing where all is there. */
export async function declareExchanges(channel: Channel, exchanges: Exchanges, queue: string): Promise<void> {
  for (const exchange of [exchanges.changes, exchanges.signals]) {
    await channel.assertExchange(exchange, EXCHANGE_TYPE, EXCHANGE);
    await channel.bindQueue(queue, exchange, '#');
  }
}
