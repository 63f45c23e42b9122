/** What only RabbitMQ does to a bus: objects deleted, channels closed, logins refused, messages of strangers. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before, describe, test } from 'node:test';
import { type Channel, type ChannelModel, connect } from 'amqplib';
import { type Listener, listen, proveConnected, publish, revisionsOf } from '../contracts/bus-contract.ts';
import {
  INSTALLATION_ID,
  INSTALLATION_SECRET,
  makeRabbitBus,
  mqServer,
  rabbitmqctl,
  type VirtualHost,
  withVirtualHost,
  ORIGIN,
} from '../support/broker.ts';
import { encodeSignal, MAX_MESSAGE_BYTES } from '../../src/bus/envelope.ts';
import { createSigner } from '../../src/bus/signature.ts';
import { Cleanup } from '../support/cleanup.ts';
import { eventually } from '../support/eventually.ts';
import { startProxy } from '../support/faults/proxy.ts';
import { freePort } from '../support/process.ts';

type Options = NonNullable<Parameters<typeof makeRabbitBus>[0]>;
type Node = ReturnType<typeof makeRabbitBus> & Listener;

describe('the bus on RabbitMQ', () => {
  const all = new Cleanup();
  let each = new Cleanup();
  let virtualHost: VirtualHost;

  before(async () => {
    virtualHost = all.add(await withVirtualHost(), it => it.delete());
  });
  afterEach(async () => {
    await each.run();
    each = new Cleanup();
  });
  after(() => all.run());

  async function start(options: Options = {}): Promise<Node> {
    const made = makeRabbitBus({ virtualHost: virtualHost.name, ...options });
    each.add(made.bus, bus => bus.stop());
    return { ...made, ...(await listen(made.bus)) };
  }

  /** An administrator or a stranger, on a connection of his own. */
  async function openChannel(): Promise<Channel> {
    const { host, port } = mqServer();
    const model: ChannelModel = await connect({ hostname: host, port, username: 'guest', password: 'guest', vhost: virtualHost.name });
    each.add(model, it => it.close().catch(() => undefined));
    model.on('error', () => undefined);
    return model.createChannel();
  }

  async function reconnectsOf(node: Node): Promise<number> {
    return node.metrics.value('bus_reconnects_total');
  }

  test('has one exclusive bounded queue per node, bound to two durable topic exchanges, and no queue after the stop', async () => {
    const [a, b] = [await start(), await start()];
    const list = async (what: string, ...columns: string[]): Promise<string[]> =>
      (await rabbitmqctl('--no-table-headers', what, '-p', virtualHost.name, ...columns)).trim().split('\n').filter(Boolean).sort();
    const queues = await list('list_queues', 'exclusive', 'durable', 'auto_delete', 'type', 'arguments');
    assert.equal(queues.length, 2);
    for (const queue of queues) assert.match(queue, /^true\tfalse\ttrue\tclassic\t.*x-max-length.*10000.*x-overflow.*drop-head/);
    const exchanges = await list('list_exchanges', 'name', 'type', 'durable', 'auto_delete');
    assert.deepEqual(
      exchanges.filter(line => line.startsWith('test.')),
      ['test.changes\ttopic\ttrue\tfalse', 'test.signals\ttopic\ttrue\tfalse'],
    );
    await Promise.all([a.bus.stop(), b.bus.stop()]);
    await eventually(async () => (await list('list_queues', 'name')).length === 0);
  });

  test('sends the changes along with an envelope that is not too large, and counts what goes out and comes in', async () => {
    const [a, b] = [await start(), await start()];
    publish(a.bus, 1, 'x'.repeat(200_000));
    a.bus.publishSignal({ type: 'operator-typing', chatId: 1, operatorId: 1, typing: true });
    await eventually(() => b.envelopes.length === 1 && b.signals.length === 1);
    assert.deepEqual(b.envelopes[0]!.changes, [{ type: 'chat-read-by-visitor', chatId: 1, padding: 'x'.repeat(200_000) }]);
    for (const [node, name] of [
      [a, 'bus_envelopes_out_total'],
      [a, 'bus_signals_out_total'],
      [b, 'bus_envelopes_in_total'],
      [b, 'bus_signals_in_total'],
      [b, 'bus_connected'],
    ] as const) {
      assert.equal(await node.metrics.value(name), 1, name);
    }
    await eventually(async () => (await a.metrics.value('bus_unconfirmed')) === 0);
  });

  test('counts poison, says each reason once, and keeps its consumer', async () => {
    const [a, b] = [await start(), await start()];
    const stranger = await openChannel();
    const noRevisions = `{"v":1,"installation":"${INSTALLATION_ID}","node":"x","incarnation":"y"}`;
    const signer = createSigner(INSTALLATION_SECRET);
    for (const text of ['', 'no JSON', 'no JSON', '{}', noRevisions, 'x'.repeat(MAX_MESSAGE_BYTES + 1)]) {
      const content = Buffer.from(text);
      stranger.publish('test.changes', '', content, { headers: { signature: signer.sign(content) } });
    }
    await eventually(async () => (await b.metrics.value('bus_poison_total')) === 6);
    publish(a.bus, 1);
    await eventually(() => b.envelopes.length === 1);
    const said = b.log.entries.filter(({ event }) => event === 'poison-message');
    assert.deepEqual(
      said.map(({ level, fields }) => [level, (fields as { reason: string }).reason]),
      ['no JSON', 'not an envelope of version 1', 'no revisions', 'too large'].map(reason => ['warn', reason]),
    );
    assert.equal(await reconnectsOf(b), 0);
  });

  test('parses nothing that is not signed, whatever it claims to be', async () => {
    const [a, b] = [await start(), await start()];
    const stranger = await openChannel();
    const claims = `{"v":1,"installation":"${INSTALLATION_ID}","node":"node","incarnation":"y","first":1,"last":1,"changes":[{"type":"x"}]}`;
    for (const [content, signature] of [
      [claims, undefined],
      [claims, 'AAAA'],
      [claims, createSigner('another secret').sign(Buffer.from(claims))],
      [claims, createSigner(INSTALLATION_SECRET).sign(Buffer.from(`${claims} `))],
      ['['.repeat(1_000_000), undefined],
    ] as const)
      stranger.publish('test.changes', '', Buffer.from(content), signature === undefined ? {} : { headers: { signature } });
    await eventually(async () => (await b.metrics.value('bus_forged_total')) === 5);
    publish(a.bus, 1);
    await eventually(() => b.envelopes.length === 1);
    assert.equal(await b.metrics.value('bus_poison_total'), 0);
  });

  test('a signal that comes again, late, or from the future is dropped', async () => {
    const time = { us: 1_000_000_000 };
    const b = await start({ nowUs: () => time.us });
    const stranger = await openChannel();
    const signer = createSigner(INSTALLATION_SECRET);
    const sender = { installation: INSTALLATION_ID, origin: ORIGIN, node: 'node', incarnation: 'c' };
    const bring = (content: Buffer): unknown =>
      stranger.publish('test.signals', '', content, { headers: { signature: signer.sign(content) } });
    const signal = { type: 'operator-typing', chatId: 1, operatorId: 1, typing: true } as const;
    const first = encodeSignal(sender, signal, time.us, 1);
    for (const content of [first, first, encodeSignal(sender, signal, time.us, 2), first]) bring(content);
    await eventually(async () => (await b.metrics.value('bus_signals_stale_total')) === 2);
    assert.equal(b.signals.length, 2);
    const late = encodeSignal({ ...sender, incarnation: 'd' }, signal, time.us, 1);
    const early = encodeSignal({ ...sender, incarnation: 'e' }, signal, time.us + 120_000_000, 1);
    time.us += 60_000_000;
    for (const content of [late, early, encodeSignal(sender, signal, time.us, 3)]) bring(content);
    await eventually(() => b.signals.length === 3);
    assert.equal(await b.metrics.value('bus_signals_stale_total'), 4);
  });

  test('counts what a handler throws as poison and says it once', async () => {
    const a = await start();
    const { bus, metrics, log } = makeRabbitBus({ virtualHost: virtualHost.name });
    each.add(bus, it => it.stop());
    const fail = (): never => {
      throw new Error('a handler that fails');
    };
    await listen(bus, { envelope: fail, signal: fail });
    for (const revision of [1, 2, 3]) publish(a.bus, revision);
    a.bus.publishSignal({ type: 'operator-typing', chatId: 1, operatorId: 1, typing: true });
    await eventually(async () => (await metrics.value('bus_poison_total')) === 4);
    assert.equal(log.entries.filter(({ event }) => event === 'message-not-handled').length, 1);
    assert.equal(bus.connected, true);
  });

  test('drops and counts messages of another installation and names the prefix once', async () => {
    const [foreign, b] = [await start({ installationId: randomUUID() }), await start()];
    for (const revision of [1, 2]) publish(foreign.bus, revision);
    foreign.bus.publishSignal({ type: 'operator-typing', chatId: 1, operatorId: 1, typing: true });
    await eventually(async () => (await b.metrics.value('bus_foreign_total')) === 3);
    assert.deepEqual([b.envelopes, b.signals], [[], []]);
    const said = b.log.entries.filter(({ event }) => event === 'foreign-envelope');
    assert.deepEqual([said.length, said[0]?.level, (said[0]?.fields as { prefix: string }).prefix], [1, 'warn', 'test']);
  });

  test('a copy of the installation on another database is foreign, although it has the secret', async () => {
    const [copy, b] = [await start({ origin: () => 'a database made of a dump' }), await start()];
    publish(copy.bus, 9_000_000_000_001);
    await eventually(async () => (await b.metrics.value('bus_foreign_total')) === 1);
    assert.deepEqual(b.envelopes, []);
  });

  test('names what the administrator said when he closes its connection, and comes back', async () => {
    const [a, b] = [await start(), await start()];
    await virtualHost.closeConnections();
    await eventually(() => [a, b].every(({ news, bus }) => news.at(-1) === 'resumed' && bus.connected), { within: 10_000 });
    const said = a.log.entries.find(({ event }) => event === 'bus-interrupted');
    assert.match((said?.fields as { reason: string }).reason, /^RabbitMQ at \S+: CONNECTION_FORCED - cut by a test$/);
    assert.equal(await reconnectsOf(a), 1);
    await proveConnected(a, b);
  });

  test('comes back within a second or so when its queue is deleted', async () => {
    const [a, b] = [await start({ nodeName: 'a' }), await start({ nodeName: 'b' })];
    const queues = (await rabbitmqctl('--no-table-headers', 'list_queues', '-p', virtualHost.name, 'name')).trim().split('\n');
    assert.equal(queues.length, 2);
    const deletions = queues.map(
      queue =>
        `rabbit_amqqueue:with(rabbit_misc:r(<<"${virtualHost.name}">>, queue, <<"${queue}">>), fun(Q) -> rabbit_amqqueue:delete(Q, false, false, <<"admin">>) end)`,
    );
    await rabbitmqctl('eval', `${deletions.join(', ')}.`);
    await eventually(() => [a, b].every(({ news, bus }) => news.at(-1) === 'resumed' && bus.connected), { within: 3_000 });
    await proveConnected(a, b);
    await proveConnected(b, a);
  });

  test('hears the others again when the exchanges were deleted, though only those who publish are told', async () => {
    const [a, b] = [await start(), await start()];
    const administrator = await openChannel();
    for (const exchange of ['test.changes', 'test.signals']) await administrator.deleteExchange(exchange);
    await proveConnected(a, b);
    await proveConnected(b, a);
  });

  test('hears the others again when its bindings were deleted, without losing its connection', async () => {
    const [a, b] = [await start(), await start()];
    const queues = (await rabbitmqctl('--no-table-headers', 'list_queues', '-p', virtualHost.name, 'name')).trim().split('\n');
    const deletions = queues.map(
      queue =>
        `rabbit_binding:remove({binding, rabbit_misc:r(<<"${virtualHost.name}">>, exchange, <<"test.changes">>), <<"#">>, rabbit_misc:r(<<"${virtualHost.name}">>, queue, <<"${queue}">>), []}, <<"admin">>)`,
    );
    assert.match(await rabbitmqctl('eval', `[${deletions.join(', ')}].`), /ok,\s*ok/);
    await proveConnected(a, b);
    assert.deepEqual([await reconnectsOf(a), await reconnectsOf(b)], [0, 0]);
  });

  test('comes back when publishing to a deleted exchange makes the server close its channel', async () => {
    const [a, b] = [await start(), await start()];
    const administrator = await openChannel();
    // Until the publish is earlier than the exchanges being declared again, which happens once a second.
    await eventually(
      async () => {
        await administrator.deleteExchange('test.changes');
        publish(a.bus, 1);
        await eventually(() => a.news.length > 0, { within: 200 });
      },
      { within: 10_000 },
    );
    assert.match((a.log.entries.find(({ event }) => event === 'bus-interrupted')?.fields as { reason: string }).reason, /no exchange/);
    await eventually(() => a.news.at(-1) === 'resumed', { within: 5_000 });
    await proveConnected(b, a);
    await proveConnected(a, b);
  });

  test('names both sets of arguments when an exchange of its name is of another type, and connects when that is put right', async () => {
    const administrator = await openChannel();
    await administrator.assertExchange('mismatch.signals', 'fanout', { durable: false });
    const node = await start({ prefix: 'mismatch' });
    assert.match(node.bus.reason ?? '', /PRECONDITION_FAILED - inequivalent arg 'type' for exchange 'mismatch\.signals'/);
    const said = node.log.entries.filter(({ event }) => event === 'bus-topology-mismatch');
    assert.equal(said[0]?.level, 'error');
    assert.match(JSON.stringify(said[0].fields), /received 'topic' but current is 'fanout'.*"ours":.*"type":"topic","durable":true/);
    await administrator.deleteExchange('mismatch.signals');
    await eventually(() => node.bus.connected, { within: 10_000 });
    assert.deepEqual([node.news[0], node.news.at(-1)], ['interrupted', 'resumed']);
  });

  test('names a refused login and a missing virtual host, without the password', async () => {
    const stranger = await start({ password: 'a-wrong-password' });
    const lost = await start({ virtualHost: 'no-such-host' });
    const { host, port } = mqServer();
    assert.equal(stranger.bus.reason, `RabbitMQ at ${host}:${port}: login refused for user guest`);
    assert.equal(lost.bus.reason, `RabbitMQ at ${host}:${port}: virtual host no-such-host does not exist or user guest may not enter it`);
    assert.doesNotMatch(JSON.stringify([stranger.log.entries, lost.log.entries]), /a-wrong-password/);
    assert.deepEqual([stranger.news, stranger.bus.connected], [['interrupted'], false]);
  });

  test('starts without its broker, skips what it is told to publish, and connects when the broker comes', async () => {
    const proxy = await startProxy(mqServer());
    each.add(proxy, it => it.close());
    await proxy.close();
    const [a, b] = [await start({ hosts: [{ host: '127.0.0.1', port: proxy.port }] }), await start()];
    assert.deepEqual([a.bus.connected, a.bus.reason], [false, `RabbitMQ at 127.0.0.1:${proxy.port}: connection refused`]);
    publish(a.bus, 1);
    assert.equal(await a.metrics.value('bus_envelopes_skipped_total'), 1);
    await proxy.open();
    await eventually(() => a.bus.connected, { within: 10_000 });
    assert.deepEqual(a.news, ['interrupted', 'resumed']);
    await proveConnected(a, b);
    assert.ok(!revisionsOf(b).includes(1), 'nothing is kept for later');
  });

  test('goes to the next broker of the list when one is away', async () => {
    const node = await start({ hosts: [{ host: '127.0.0.1', port: await freePort() }, mqServer()] });
    await eventually(() => node.bus.connected, { within: 5_000 });
  });

  test('skips envelopes while the socket takes no more or 1,000 are unconfirmed, and goes on afterwards', async () => {
    const proxy = await startProxy(mqServer());
    each.add(proxy, it => it.close());
    const [a, b] = [await start({ hosts: [{ host: '127.0.0.1', port: proxy.port }] }), await start()];
    for (const padding of ['', 'x'.repeat(200_000)]) {
      proxy.freeze();
      const skippedBefore = await a.metrics.value('bus_envelopes_skipped_total');
      const outBefore = await a.metrics.value('bus_envelopes_out_total');
      for (let revision = 1; revision <= 2_000; revision++) publish(a.bus, revision, padding);
      assert.ok((await a.metrics.value('bus_envelopes_skipped_total')) - skippedBefore >= 1_000);
      const sent = (await a.metrics.value('bus_envelopes_out_total')) - outBefore;
      assert.ok(sent <= (padding === '' ? 1_000 : 100), `${sent} envelopes were taken`);
      proxy.thaw();
      await eventually(async () => (await a.metrics.value('bus_unconfirmed')) === 0);
      await proveConnected(a, b);
    }
    assert.equal(await reconnectsOf(a), 0);
  });

  test('stops within three seconds when nobody answers any more', async () => {
    const proxy = await startProxy(mqServer());
    each.add(proxy, it => it.close());
    const node = await start({ hosts: [{ host: '127.0.0.1', port: proxy.port }] });
    proxy.freeze();
    publish(node.bus, 1);
    const startedMs = performance.now();
    await node.bus.stop();
    assert.ok(performance.now() - startedMs < 3_000);
  });

  test('stops at once while it is waiting for its next attempt', async () => {
    const node = await start({ hosts: [{ host: '127.0.0.1', port: await freePort() }] });
    const startedMs = performance.now();
    await node.bus.stop();
    assert.ok(performance.now() - startedMs < 500);
    assert.deepEqual(node.news, ['interrupted']);
  });
});
