/**
 * The main job on real input: a visitor (SDK protocol over HTTP) and an operator (WebSocket) talk through real Nginx,
 * master, slave, RabbitMQ and PostgreSQL; and again with the broker stopped.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import { connect } from 'amqplib';
import { type PrivateBroker, startPrivateBroker } from '../support/broker.ts';
import { Cleanup } from '../support/cleanup.ts';
import { PASSWORD, startCluster, type TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { type Nginx, startNginx } from '../support/nginx.ts';
import { Operator } from '../support/operator.ts';
import { Visitor } from '../support/visitor.ts';

const MESSAGES = 500;

describe('a conversation across two nodes', () => {
  let broker: PrivateBroker;
  let cluster: TestCluster;
  let nginx: Nginx;
  const cleanup = new Cleanup();

  before(async () => {
    broker = cleanup.add(await startPrivateBroker(), it => it.remove());
    cluster = cleanup.add(await startCluster({ broker }), it => it.stop());
    nginx = cleanup.add(await startNginx({ nodes: { 8260: cluster.master.port, 8261: cluster.slave.port } }), it => it.stop());
  });

  after(() => cleanup.run());

  test('500 messages each way arrive once and in order, told by RabbitMQ alone', async t => {
    const counter = await countEnvelopes(broker.port);
    const before = await repairs(cluster);
    const { chatId, latencies } = await converse(t, nginx.url, cluster, 'a', 1);

    assert.notEqual(cluster.master.pid, cluster.slave.pid);
    assert.equal(await cluster.slave.metric('ws_connections'), 1, 'the operator is connected to the slave');
    assert.equal(await cluster.master.metric('ws_connections'), 0);
    assert.ok((await cluster.master.metric('hub_sessions')) >= 1, 'the visitor polls at the master');

    const stored = await cluster.database.query<{ text: string; sender: string }>(
      'select text, sender from message where chat_id = $1 order by ts_us',
      [chatId],
    );
    assert.equal(stored.length, 2 * MESSAGES + 1);
    const ofVisitor = stored.filter(row => row.sender.startsWith('v:')).map(row => row.text);
    assert.deepEqual(
      ofVisitor.slice(1),
      Array.from({ length: MESSAGES }, (_, i) => `a visitor ${i}`),
    );

    assert.ok(counter.count() > MESSAGES, `the broker carried ${counter.count()} envelopes`);
    await counter.stop();
    // The broker is waited for for 50 ms: a machine that is busy otherwise may be slower once or twice in 1,000 messages.
    const repaired = (await repairs(cluster)) - before;
    assert.ok(repaired <= MESSAGES / 100, `${repaired} times the log was read`);

    report(t, 'with RabbitMQ', latencies);
    // 5 ms where the processor is quick; machines of half that speed are met in life.
    assert.ok(percentile(latencies, 0.5) <= 20, `p50 is ${percentile(latencies, 0.5)} ms`);
    assert.ok(percentile(latencies, 0.99) <= 100, `p99 is ${percentile(latencies, 0.99)} ms`);
  });

  test('with the broker stopped the conversation goes on, degraded, and heals by itself', async t => {
    await broker.stop();
    await eventually(
      async () => (await cluster.slave.status()).state === 'degraded' && (await cluster.master.status()).state === 'degraded',
    );
    const { latencies } = await converse(t, nginx.url, cluster, 'b', 25);
    report(t, 'without a broker', latencies);
    assert.ok(percentile(latencies, 1) < 2_000, 'the log is read often enough');
    await broker.start();
    await eventually(
      async () => (await cluster.slave.status()).state === 'running' && (await cluster.master.status()).state === 'running',
      { within: 20_000 },
    );
  });
});

/** `breath`: how many messages are said before the speakers wait until all are heard. 1 is a conversation. */
async function converse(t: TestContext, url: string, cluster: TestCluster, word: string, breath: number) {
  const count = MESSAGES;
  const operator = await Operator.login(url, cluster.logins[0]!, PASSWORD);
  await operator.setStatus('online');
  await operator.connect();
  const visitor = await Visitor.init(url);
  t.after(async () => {
    operator.close();
    await visitor.stop();
  });
  visitor.startPolling();
  await visitor.action('chat.start', { 'client-side-id': `${word}-chat`, 'force-online': 'true' });
  await visitor.send(`${word} hello`, `${word}-hello`);

  const operatorId = operator.fullUpdates[0]!.operator.id;
  const chatId = await eventually(() => {
    const own = operator.deltas.find(
      delta => delta.objectType === 'CHAT' && (delta.data as { assignedOperatorId?: number } | null)?.assignedOperatorId === operatorId,
    );
    assert.ok(own, 'the chat is assigned to the operator');
    return Number(own.id);
  });
  assert.equal((await operator.request('chat.take', { chatId })).result, 'ok');

  const sentAt = new Map<string, number>();
  const latencies: number[] = [];
  const waiting = new Map<string, () => void>();
  const arrived = { operator: [] as string[], visitor: [] as string[] };
  const hear = (who: 'operator' | 'visitor', text: string): void => {
    const at = sentAt.get(text);
    if (at === undefined) return;
    latencies.push(performance.now() - at);
    arrived[who].push(text);
    waiting.get(text)?.();
  };
  operator.onDelta = delta => {
    if (delta.objectType !== 'CHAT_MESSAGE') return;
    const { message } = delta.data as { message: { text: string; kind: string } };
    if (message.kind === 'visitor') hear('operator', message.text);
  };
  visitor.onDelta = delta => {
    if (delta.objectType !== 'CHAT_MESSAGE') return;
    const message = delta.data as { text: string; kind: string };
    if (message.kind === 'operator') hear('visitor', message.text);
  };
  let unheard: Promise<void>[] = [];
  const speak = async (text: string, send: () => Promise<unknown>): Promise<void> => {
    unheard.push(new Promise<void>(resolve => waiting.set(text, resolve)));
    sentAt.set(text, performance.now());
    await send();
    if (unheard.length < breath) return;
    await Promise.all(unheard);
    unheard = [];
  };
  for (let i = 0; i < count; i++) {
    const [fromVisitor, fromOperator] = [`${word} visitor ${i}`, `${word} operator ${i}`];
    await speak(fromVisitor, () => visitor.send(fromVisitor, `${word}-v${i}`));
    await speak(fromOperator, () => operator.request('chat.message', { chatId, message: fromOperator, clientSideId: `${word}-o${i}` }));
  }
  await eventually(() => arrived.operator.length === count && arrived.visitor.length === count);
  assert.deepEqual(
    arrived.operator,
    Array.from({ length: count }, (_, i) => `${word} visitor ${i}`),
  );
  assert.deepEqual(
    arrived.visitor,
    Array.from({ length: count }, (_, i) => `${word} operator ${i}`),
  );
  return { chatId, latencies };
}

/** Counts what the broker carries, from outside, on a queue of its own. */
async function countEnvelopes(port: number): Promise<{ count(): number; stop(): Promise<void> }> {
  const connection = await connect({ hostname: '127.0.0.1', port, username: 'guest', password: 'guest' });
  const channel = await connection.createChannel();
  const { queue } = await channel.assertQueue('', { exclusive: true });
  await channel.bindQueue(queue, 'chat.changes', '#');
  let count = 0;
  await channel.consume(queue, () => (count += 1), { noAck: true });
  return { count: () => count, stop: () => connection.close() };
}

async function repairs({ master, slave }: TestCluster): Promise<number> {
  const metrics = ['feed_holes_repaired_total', 'feed_log_polls_total'];
  const counts = await Promise.all([master, slave].flatMap(node => metrics.map(metric => node.metric(metric))));
  return counts.reduce((sum, count) => sum + count);
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function report(t: { diagnostic(message: string): void }, what: string, latencies: readonly number[]): void {
  const [p50, p99, max] = [0.5, 0.99, 1].map(share => percentile(latencies, share).toFixed(1));
  t.diagnostic(`${what}: ${latencies.length} messages, p50 ${p50} ms, p99 ${p99} ms, max ${max} ms`);
}
