/** What happens to a whole broker, in real time: it is stopped and started, raises an alarm, or cannot be reached. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { listen, proveConnected, publish } from '../contracts/bus-contract.ts';
import { makeRabbitBus, mqServer, type PrivateBroker, startPrivateBroker, withVirtualHost } from '../support/broker.ts';
import { Cleanup } from '../support/cleanup.ts';
import { eventually } from '../support/eventually.ts';
import { startProxy } from '../support/faults/proxy.ts';

describe('a broker in trouble:', { concurrency: true }, () => {
  describe('one that is ours', { concurrency: false }, () => {
    const cleanup = new Cleanup();
    let broker: PrivateBroker;

    before(async () => {
      broker = cleanup.add(await startPrivateBroker(), it => it.remove());
    });
    after(() => cleanup.run());

    async function start() {
      const made = makeRabbitBus({ hosts: [{ host: '127.0.0.1', port: broker.port }] });
      cleanup.add(made.bus, bus => bus.stop());
      return { ...made, ...(await listen(made.bus)) };
    }

    test('while it has a memory alarm envelopes are skipped and its consumers stay; publishing goes on by itself afterwards', async () => {
      const [a, b] = [await start(), await start()];
      await proveConnected(a, b);
      await broker.rabbitmqctl('set_vm_memory_high_watermark', '0');
      await eventually(
        () => {
          publish(a.bus, 1); // the broker blocks a connection when it publishes
          return a.log.entries.some(({ event }) => event === 'bus-blocked');
        },
        { within: 10_000 },
      );
      const [skipped, out] = [await a.metrics.value('bus_envelopes_skipped_total'), await a.metrics.value('bus_envelopes_out_total')];
      for (let revision = 1; revision <= 10; revision++) publish(a.bus, revision);
      assert.equal(await a.metrics.value('bus_envelopes_skipped_total'), skipped + 10);
      assert.equal(await a.metrics.value('bus_envelopes_out_total'), out);
      assert.deepEqual([a.bus.connected, a.news], [true, []]);
      await broker.rabbitmqctl('set_vm_memory_high_watermark', '0.4');
      await proveConnected(a, b);
      assert.ok(a.log.entries.some(({ event }) => event === 'bus-unblocked'));
      assert.equal(await a.metrics.value('bus_reconnects_total'), 0);
    });

    test('a restart is told to all, and they find each other again when it is back', async () => {
      const [a, b] = [await start(), await start()];
      await proveConnected(a, b);
      await broker.stop();
      await eventually(() => !a.bus.connected && !b.bus.connected);
      assert.equal(a.news[0], 'interrupted');
      await eventually(() => /connection refused$/.test(a.bus.reason ?? ''), { within: 10_000 });
      await broker.start();
      await eventually(() => [a, b].every(({ news }) => news.at(-1) === 'resumed'), { within: 15_000 });
      await proveConnected(a, b);
    });
  });

  test('a connection that is silent without being closed is noticed within 15 seconds', async () => {
    const cleanup = new Cleanup();
    try {
      const virtualHost = cleanup.add(await withVirtualHost(), it => it.delete());
      const proxy = cleanup.add(await startProxy(mqServer()), it => it.close());
      const { bus } = makeRabbitBus({ hosts: [{ host: '127.0.0.1', port: proxy.port }], virtualHost: virtualHost.name });
      cleanup.add(bus, it => it.stop());
      const node = await listen(bus);
      assert.equal(bus.connected, true);
      proxy.freeze();
      await eventually(() => node.news.includes('interrupted'), { within: 15_000 });
      proxy.thaw();
      await eventually(() => bus.connected, { within: 8_000 });
    } finally {
      await cleanup.run();
    }
  });

  for (const [what, answer, reason] of [
    ['says nothing', undefined, /no answer$/],
    ['speaks another protocol', 'HTTP/1.1 400 Bad Request\r\n\r\n', /^RabbitMQ at 127\.0\.0\.1:\d+: .+/],
    ['hangs up', '', /^RabbitMQ at 127\.0\.0\.1:\d+: .+/],
  ] as const) {
    test(`a port that ${what} delays the start by five seconds at most and is left alone by the stop`, async () => {
      const cleanup = new Cleanup();
      const sockets = new Set<net.Socket>();
      const server = net.createServer(socket => {
        sockets.add(socket.resume().on('error', () => undefined));
        socket.on('close', () => sockets.delete(socket));
        if (answer !== undefined) socket.end(answer);
      });
      try {
        await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
        cleanup.add(server, it => it.close());
        const { port } = server.address() as net.AddressInfo;
        const { bus } = makeRabbitBus({ hosts: [{ host: '127.0.0.1', port }] });
        cleanup.add(bus, it => it.stop());
        const startedMs = performance.now();
        await listen(bus);
        assert.ok(performance.now() - startedMs < 6_000);
        assert.match(bus.reason ?? '', reason);
        await bus.stop();
        await eventually(() => sockets.size === 0);
      } finally {
        await cleanup.run();
      }
    });
  }
});
