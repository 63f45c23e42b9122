/** The Bus on the real broker: what it carries, what it drops, and how it comes back. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { type Channel, type ChannelModel, connect } from 'amqplib';
import { createMetrics } from '../../src/metrics.ts';
import type { Bus, IncomingEnvelope, Signal } from '../../src/ports.ts';
import { createRabbitBus } from '../../src/rabbitmq/bus.ts';
import { mqServer, startPrivateBroker, type VirtualHost, withVirtualHost } from '../support/broker.ts';
import { Cleanup } from '../support/cleanup.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/process.ts';
import { keptLog } from '../support/silent.ts';

const INSTALLATION = randomUUID();
const CHANGE = { type: 'chat-read-by-visitor', chatId: 1 };

function makeBus(options: { vhost?: string; port?: number; installation?: string; username?: string } = {}) {
  const metrics = createMetrics();
  const log = keptLog();
  const bus = createRabbitBus({
    hosts: options.port === undefined ? [mqServer()] : [{ host: '127.0.0.1', port: options.port }],
    username: options.username ?? 'guest',
    password: 'guest',
    virtualHost: options.vhost ?? '/',
    prefix: 'test',
    nodeName: 'node',
    incarnation: randomUUID(),
    installationId: options.installation ?? INSTALLATION,
    log,
    metrics,
  });
  const heard = { envelopes: [] as IncomingEnvelope[], signals: [] as Signal[], interrupted: 0, resumed: 0 };
  const start = (): Promise<void> =>
    bus.start({
      envelope: envelope => {
        heard.envelopes.push(envelope);
        if (envelope.first === 666) throw new Error('a handler that fails');
      },
      signal: signal => void heard.signals.push(signal),
      interrupted: () => void (heard.interrupted += 1),
      resumed: () => void (heard.resumed += 1),
    });
  return { bus, metrics, log, heard, start };
}

const publish = (bus: Bus, revision: number, text = ''): void => {
  bus.publish({ first: revision, last: revision, changesJson: JSON.stringify([{ ...CHANGE, text }]) });
};

describe('the bus on RabbitMQ', () => {
  const cleanup = new Cleanup();
  let vhost: VirtualHost;
  let raw: ChannelModel;
  let channel: Channel;
  let a: ReturnType<typeof makeBus>;
  let b: ReturnType<typeof makeBus>;

  before(async () => {
    vhost = cleanup.add(await withVirtualHost(), it => it.delete());
    a = makeBus({ vhost: vhost.name });
    b = makeBus({ vhost: vhost.name });
    cleanup.add(a.bus, it => it.stop());
    cleanup.add(b.bus, it => it.stop());
    await Promise.all([a.start(), b.start()]);
    raw = cleanup.add(await open(), it => it.close().catch(() => undefined));
    channel = await raw.createChannel();
  });

  after(() => cleanup.run());

  test('carries envelopes to the others, in order, and not to the sender', async () => {
    for (let i = 1; i <= 50; i++) publish(a.bus, i);
    await eventually(() => b.heard.envelopes.length === 50);
    assert.deepEqual(
      b.heard.envelopes.map(envelope => envelope.first),
      Array.from({ length: 50 }, (_, i) => i + 1),
    );
    assert.equal(b.heard.envelopes[0]!.changes?.[0]?.type, CHANGE.type);
    assert.equal(a.heard.envelopes.length, 0);
  });

  test('leaves the changes out of a large envelope: the log has them', async () => {
    publish(a.bus, 100, 'x'.repeat(300_000));
    const envelope = await eventually(() => b.heard.envelopes.find(one => one.first === 100) ?? false);
    assert.equal((envelope as IncomingEnvelope).changes, undefined);
  });

  test('carries signals', async () => {
    const signal: Signal = { type: 'visitor-typing', chatId: 7, typing: true, draft: 'so' };
    b.bus.publishSignal(signal);
    await eventually(() => a.heard.signals.length === 1);
    assert.deepEqual(a.heard.signals, [signal]);
  });

  test('counts and drops what cannot be read or handled, and goes on', async () => {
    const poison = [
      '',
      'no JSON',
      '{}',
      '{"v":1}',
      `{"v":1,"installation":"${INSTALLATION}","node":"x","incarnation":"y","first":5,"last":4}`,
    ];
    for (const content of poison) channel.publish('test.changes', '', Buffer.from(content));
    publish(a.bus, 666);
    publish(a.bus, 101);
    await eventually(() => b.heard.envelopes.some(envelope => envelope.first === 101));
    await eventually(async () => (await b.metrics.value('bus_poison_total')) === poison.length + 1);
  });

  test('drops envelopes of another installation, counts them and names the prefix', async () => {
    const foreign = makeBus({ vhost: vhost.name, installation: randomUUID() });
    await foreign.start();
    publish(foreign.bus, 102);
    await eventually(async () => (await b.metrics.value('bus_foreign_total')) === 1);
    assert.ok(!b.heard.envelopes.some(envelope => envelope.first === 102));
    assert.ok(b.log.entries.some(entry => entry.event === 'foreign-envelope' && JSON.stringify(entry.fields).includes('"prefix":"test"')));
    await foreign.bus.stop();
  });

  test('comes back when its connection is closed by an administrator', async () => {
    const before = { resumed: a.heard.resumed, interrupted: a.heard.interrupted };
    await vhost.closeConnections();
    await eventually(() => a.heard.interrupted > before.interrupted && a.heard.resumed > before.resumed && b.bus.connected, {
      within: 10_000,
    });
    await proveThatItWorks();
    raw = cleanup.add(await open(), it => it.close().catch(() => undefined));
    channel = await raw.createChannel();
  });

  test('comes back when its exchanges are deleted: publishing to nowhere closes the channel', async () => {
    const before = a.heard.resumed;
    await channel.deleteExchange('test.changes');
    publish(a.bus, 103);
    await eventually(() => a.heard.resumed > before && a.bus.connected, { within: 10_000 });
    // The other node's queue lost its binding without being told: the heartbeat finds that (test/cluster); here it is made to connect anew.
    await vhost.closeConnections();
    await proveThatItWorks();
  });

  async function open(): Promise<ChannelModel> {
    const { host, port } = mqServer();
    const model = await connect({ hostname: host, port, username: 'guest', password: 'guest', vhost: vhost.name });
    return model.on('error', () => undefined);
  }

  async function proveThatItWorks(): Promise<void> {
    const revision = 1_000 + Math.floor(Math.random() * 1e9);
    await eventually(
      () => {
        publish(a.bus, revision);
        return b.heard.envelopes.some(envelope => envelope.first === revision);
      },
      { within: 10_000 },
    );
  }

  test('says what is wrong when the login is refused, without the password', async () => {
    const wrong = makeBus({ vhost: vhost.name, username: 'nobody' });
    await wrong.start();
    assert.equal(wrong.bus.connected, false);
    assert.match(wrong.bus.reason ?? '', /login refused/);
    await wrong.bus.stop();
  });
});

test('a bus whose broker is not there yet starts interrupted, keeps nothing, and connects when the broker comes', async () => {
  const nowhere = makeBus({ port: await freePort() });
  await nowhere.start();
  assert.equal(nowhere.bus.connected, false);
  publish(nowhere.bus, 1);
  assert.equal(await nowhere.metrics.value('bus_envelopes_skipped_total'), 1);
  await nowhere.bus.stop();

  const broker = await startPrivateBroker();
  try {
    await broker.stop();
    const bus = makeBus({ port: broker.port });
    await bus.start();
    assert.equal(bus.bus.connected, false);
    await broker.start();
    await eventually(() => bus.bus.connected, { within: 15_000 });
    await bus.bus.stop();
  } finally {
    await broker.remove();
  }
});
