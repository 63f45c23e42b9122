/** RabbitMQ restarts, goes away, is blocked, is emptied by an administrator or lied to: nothing is lost and nothing doubled. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { type ChannelModel, connect } from 'amqplib';
import { type PrivateBroker, startPrivateBroker } from '../support/broker.ts';
import { createSigner } from '../../src/bus/signature.ts';
import { Cleanup } from '../support/cleanup.ts';
import { MASTER, SLAVE, startCluster, type TestCluster } from '../support/cluster.ts';
import { aMove } from '../support/rows.ts';
import { eventually } from '../support/eventually.ts';
import { lasting } from '../support/faults/durations.ts';
import { startProxy } from '../support/faults/proxy.ts';
import { assertInvariants } from '../support/invariants.ts';
import { freePort, startNodeProcess } from '../support/process.ts';
import { assertHeard, sendSurely, SteadyOperator } from '../support/surely.ts';
import { Visitor } from '../support/visitor.ts';

/** Speaks at the master as long as `fault` takes and a little longer; all is heard at the slave, once and in order. */
async function conversing(t: TestContext, cluster: TestCluster, fault: () => Promise<void>): Promise<void> {
  const steady = await SteadyOperator.start(cluster.slave.url, 'op1');
  try {
    const visitor = await Visitor.init(cluster.master.url);
    const name = t.name.slice(0, 3);
    const said: string[] = [];
    const talk = { isOver: false };
    const speaking = (async () => {
      for (let i = 0, after = 0; after < 10; i++) {
        const text = `${name} ${visitor.page.visitor.id} ${i}`;
        await sendSurely(visitor, text, `${name}-${i}`);
        said.push(text);
        if (talk.isOver) after += 1;
        await wait(20);
      }
    })();
    await fault();
    talk.isOver = true;
    await speaking;
    await assertHeard(steady, said);
    t.diagnostic(`${said.length} messages`);
  } finally {
    await steady.stop();
  }
  await assertInvariants(cluster.database);
}

const stateOf = async (cluster: TestCluster, name: string): Promise<string> => (await cluster.node(name).status()).state;
const bothAre = (cluster: TestCluster, state: string) => async (): Promise<boolean> =>
  (await stateOf(cluster, MASTER)) === state && (await stateOf(cluster, SLAVE)) === state;

describe('faults of a broker of our own:', () => {
  const cleanup = new Cleanup();
  let broker: PrivateBroker;
  let cluster: TestCluster;

  before(async () => {
    broker = cleanup.add(await startPrivateBroker(), it => it.remove());
    cluster = cleanup.add(await startCluster({ broker }), it => it.stop());
  });
  after(() => cleanup.run());
  afterEach(() => eventually(bothAre(cluster, 'running'), { within: 20_000 }));

  test('f11 a restart: connected again by themselves, nothing lost, nothing doubled, nothing buffered', async t => {
    await conversing(t, cluster, async () => {
      await broker.stop();
      await eventually(bothAre(cluster, 'degraded'), { within: 10_000 });
      await wait(lasting(1_000, 20_000));
      await broker.start();
      await eventually(bothAre(cluster, 'running'), { within: 20_000 });
    });
    assert.ok((await cluster.slave.metric('bus_reconnects_total')) >= 1);
  });

  test('f12 gone for long: degraded, served from the log, well again without a restart', async t => {
    await conversing(t, cluster, async () => {
      await broker.stop();
      await wait(lasting(5_000, 600_000));
      assert.equal(await stateOf(cluster, SLAVE), 'degraded');
      assert.equal((await fetch(`${cluster.slave.url}/readyz`)).status, 200, 'degraded is ready');
      await broker.start();
    });
  });

  test('f14 a memory alarm: publishing stops, peers read the log, and it goes on by itself', async t => {
    await conversing(t, cluster, async () => {
      const skipped = await cluster.master.metric('bus_envelopes_skipped_total');
      await broker.rabbitmqctl('set_vm_memory_high_watermark', '0');
      await eventually(async () => (await cluster.master.metric('bus_envelopes_skipped_total')) > skipped + 5, { within: 10_000 });
      await broker.rabbitmqctl('set_vm_memory_high_watermark', '0.4');
      const out = await cluster.master.metric('bus_envelopes_out_total');
      await eventually(async () => (await cluster.master.metric('bus_envelopes_out_total')) > out + 5, { within: 10_000 });
    });
  });

  test('f15 exchange, queue and binding deleted by an administrator: there again within about a second', async t => {
    const model = await connect({ hostname: '127.0.0.1', port: broker.port });
    try {
      await conversing(t, cluster, async () => {
        const channel = await model.createChannel();
        await channel.deleteExchange('chat.changes');
        await channel.deleteExchange('chat.signals');
        await eventually(() => exchangeExists(model, 'chat.changes'), { within: 4_000, every: 100 });
        const received = await cluster.slave.metric('bus_envelopes_in_total');
        await eventually(async () => (await cluster.slave.metric('bus_envelopes_in_total')) > received, { within: 5_000 });
      });
    } finally {
      await model.close();
    }
  });

  test('f15 an exchange of another type than ours: both sides are named', async () => {
    const model = await connect({ hostname: '127.0.0.1', port: broker.port });
    const channel = await model.createChannel();
    await channel.assertExchange('strange.changes', 'fanout', { durable: false });
    await cluster.slave.stop();
    await cluster.master.stop();
    const node = await startNodeProcess(cluster.flags(MASTER), { cwd: cluster.folder.path, env: { CHAT_MQ_NODE_ID_PREFIX: 'strange' } });
    try {
      const line = await eventually(() => node.events('bus-topology-mismatch')[0] ?? false);
      assert.match(String(line['broker']), /inequivalent arg 'type'.*received 'topic' but current is 'fanout'/);
      assert.match(JSON.stringify(line['ours']), /"type":"topic"/);
      assert.equal((await node.status()).state, 'degraded');
    } finally {
      await node.stop();
      await channel.deleteExchange('strange.changes');
      await model.close();
      await cluster.start(MASTER);
      await cluster.start(SLAVE);
    }
  });

  test('f17 poison: counted, told once with the reason, dropped; the consumer lives on', async t => {
    const model = await connect({ hostname: '127.0.0.1', port: broker.port });
    try {
      await conversing(t, cluster, async () => {
        const channel = await model.createConfirmChannel();
        const before = await cluster.slave.metric('bus_poison_total');
        const [installation] = await cluster.database.query<{ secret: string }>('select secret from installation');
        const signer = createSigner(installation?.secret ?? '');
        for (const body of ['', '{"v":', '[]', '{"v":99}', '{"v":1}', '\u0000\uffff']) {
          const content = Buffer.from(body);
          channel.publish('chat.changes', '', content, { headers: { signature: signer.sign(content) } });
        }
        const huge = Buffer.alloc(40_000_000, '[');
        channel.publish('chat.changes', '', huge, { headers: { signature: signer.sign(huge) } });
        await channel.waitForConfirms();
        await eventually(async () => (await cluster.slave.metric('bus_poison_total')) === before + 7);
        assert.equal(await cluster.slave.metric('event_loop_blocked_total'), 0);
      });
      const reasons = cluster.slave.events('poison-message').map(({ reason }) => reason);
      assert.equal(new Set(reasons).size, reasons.length, 'each reason once');
    } finally {
      await model.close();
    }
  });

  test('f52 forged envelopes change nothing, are counted and named', async t => {
    const model = await connect({ hostname: '127.0.0.1', port: broker.port });
    try {
      await conversing(t, cluster, async () => {
        const [installation] = await cluster.database.query<{ id: string }>('select id from installation');
        const revision = Number((await cluster.slave.status()).revision);
        const forged = {
          ...{ v: 1, installation: installation?.id, node: MASTER, incarnation: 'b0b', first: revision + 1, last: revision + 1 },
          changes: [{ ...aMove({ move: 'closed-by-operator', state: 'closed_by_operator' }) }],
        };
        const channel = await model.createConfirmChannel();
        const before = await cluster.slave.metric('bus_forged_total');
        channel.publish('chat.changes', '', Buffer.from(JSON.stringify(forged)));
        channel.publish('chat.changes', '', Buffer.from(JSON.stringify(forged)), { headers: { signature: 'AAAA' } });
        await channel.waitForConfirms();
        await eventually(async () => (await cluster.slave.metric('bus_forged_total')) === before + 2);
      });
      const [line] = cluster.slave.events('forged-message');
      assert.deepEqual([line?.['reason'], line?.['exchange']], ['the signature is wrong or missing', 'chat.changes']);
    } finally {
      await model.close();
    }
  });
});

describe('the way to the broker in trouble:', () => {
  const cleanup = new Cleanup();
  afterEach(() => cleanup.run());

  test('f13 the first broker of the list hangs up on us (a minority side): the next one is used, without a crash loop', async t => {
    const minority = cleanup.add(await startProxy({ host: '127.0.0.1', port: await freePort() }), it => it.close());
    const cluster = cleanup.add(await startCluster(), it => it.stop());
    await cluster.slave.stop();
    await cluster.master.stop();
    const env = { CHAT_MQ_HOST: `127.0.0.1:${minority.port},127.0.0.1:${process.env['TEST_MQ_PORT'] ?? ''}` };
    for (const name of [MASTER, SLAVE]) {
      const node = await startNodeProcess(cluster.flags(name), { cwd: cluster.folder.path, env });
      cleanup.add(node, it => it.stop());
      await eventually(async () => (await node.metric('bus_connected')) === 1, { within: 8_000 });
      t.diagnostic(`${name}: ${node.events('bus-unreachable').length} attempts failed`);
      assert.ok(node.events('bus-unreachable').length <= 3);
    }
  });

  test('f32 a node that reads its queue too slowly reads the log instead; the queue stays bounded', async t => {
    const cluster = cleanup.add(await startCluster({ proxied: true }), it => it.stop());
    await conversing(t, cluster, async () => {
      cluster.network(SLAVE).mq?.throttle(1_000);
      const visitor = await Visitor.init(cluster.master.url);
      const count = lasting(300, 3_000);
      for (let i = 0; i < count; i++) await sendSurely(visitor, `much ${i}`, `much-${i}`);
      const newest = Number((await cluster.master.status()).revision);
      await eventually(async () => Number((await cluster.slave.status()).revision) >= newest, { within: 3_000 });
      cluster.network(SLAVE).mq?.throttle(undefined);
    });
  });
});

/** A passive look at an exchange that is not there ends the channel, not the connection. */
async function exchangeExists(model: ChannelModel, name: string): Promise<boolean> {
  const channel = await model.createChannel();
  channel.on('error', () => undefined);
  try {
    await channel.checkExchange(name);
    await channel.close();
    return true;
  } catch {
    return false;
  }
}
