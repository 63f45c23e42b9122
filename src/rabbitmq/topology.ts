/**
 * The broker's objects as data, replayed after every connection loss. All of them may be deleted at any time: nothing
 * that matters lives in the broker.
 *
 *   exchange <prefix>.changes   topic, durable    one message per commit: rabbitmq/envelope.ts
 *   exchange <prefix>.signals   topic, durable    one message per signal (typing)
 *   queue    (server-named)     exclusive         one per node, bound to both; gone with the node's connection
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

/** Dropping the oldest is safe: a receiver sees the hole and reads the log. */
export const MAX_QUEUE_LENGTH = 10_000;

const QUEUE: Options.AssertQueue = {
  exclusive: true,
  autoDelete: true,
  durable: false,
  arguments: { 'x-queue-type': 'classic', 'x-max-length': MAX_QUEUE_LENGTH, 'x-overflow': 'drop-head' },
};

/** Declares everything; returns the name of this node's queue. */
export async function declareTopology(channel: Channel, exchanges: Exchanges): Promise<string> {
  const { queue } = await channel.assertQueue('', QUEUE);
  for (const exchange of [exchanges.changes, exchanges.signals]) {
    await channel.assertExchange(exchange, 'topic', { durable: true });
    await channel.bindQueue(queue, exchange, '#');
  }
  return queue;
}
