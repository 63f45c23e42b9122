/** The bus on RabbitMQ keeps the contract of all transports. */
import { randomUUID } from 'node:crypto';
import { after, before } from 'node:test';
import { connect } from 'amqplib';
import { busContract } from '../contracts/bus-contract.ts';
import { makeRabbitBus, mqServer, type VirtualHost, withVirtualHost } from '../support/broker.ts';

let virtualHost: VirtualHost;
before(async () => {
  virtualHost = await withVirtualHost();
});
after(() => virtualHost.delete());

busContract('RabbitMQ', async () => {
  const prefix = randomUUID(); // exchanges of its own for each test
  return {
    makeBus: nodeName => makeRabbitBus({ virtualHost: virtualHost.name, prefix, nodeName }).bus,
    cut: () => virtualHost.closeConnections(),
    async sendPoison() {
      const { host, port } = mqServer();
      const model = await connect({ hostname: host, port, username: 'guest', password: 'guest', vhost: virtualHost.name });
      const channel = await model.createConfirmChannel();
      for (const exchange of [`${prefix}.changes`, `${prefix}.signals`]) channel.publish(exchange, '', Buffer.from('{"v":'));
      await channel.waitForConfirms();
      await model.close();
    },
    close: () => Promise.resolve(),
  };
});
