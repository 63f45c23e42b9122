/**
 * `check-config --connect`: logs in at a broker as a node does, declares what a node declares, and leaves again. Never publishes anything, and
 * never tries twice.
 */
import { Connection, type ConnectionOptions } from './connection.ts';
import { isRefusal } from './reason.ts';
import { declareTopology, exchangesOf } from './topology.ts';

export interface BrokerTrial {
  readonly isUp: boolean;
  /** The broker answers and says no: trying again will not help. */
  readonly isRefused: boolean;
  /** As /status says it. */
  readonly sentence: string;
}

/** At each of the hosts, in their order. */
export async function tryBrokers(
  options: Pick<ConnectionOptions, 'hosts' | 'username' | 'password' | 'virtualHost' | 'tls'> & { readonly prefix: string },
): Promise<BrokerTrial[]> {
  const trials: BrokerTrial[] = [];
  for (const host of options.hosts) trials.push(await tryBroker({ ...options, hosts: [host] }));
  return trials;
}

async function tryBroker({ prefix, ...options }: Parameters<typeof tryBrokers>[0]): Promise<BrokerTrial> {
  const places = options.hosts.map(({ host, port }) => `${host}:${port}`).join();
  let trial: BrokerTrial = { isUp: true, isRefused: false, sentence: `RabbitMQ at ${places}, virtual host ${options.virtualHost}` };
  const connection = new Connection({
    ...options,
    connectionName: 'check-config',
    setUp: async (model, lost) => {
      const channel = await model.createChannel();
      channel.on('error', lost);
      await declareTopology(channel, exchangesOf(prefix));
    },
    onUp: () => undefined,
    onDown(reason, error) {
      trial = { isUp: false, isRefused: isRefusal(error), sentence: reason };
    },
  });
  await connection.start();
  await connection.stop();
  return trial;
}
