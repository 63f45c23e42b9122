/**
 * One machine floods a node with all it has: answers that it does not read, WebSockets, uploads that trickle. Others chat on, the
 * node's memory stays within what is promised, and operators log in, connect, upload and write.
 */
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Cleanup } from '../support/cleanup.ts';
import { PASSWORD, SLAVE, startCluster, type TestCluster } from '../support/cluster.ts';
import { percentile } from '../support/crowd.ts';
import { eventually } from '../support/eventually.ts';
import { lasting } from '../support/faults/durations.ts';
import type { Flood } from '../support/faults/floods.ts';
import { floodFrom } from '../support/faults/flood-process.ts';
import { Operator } from '../support/operator.ts';
import { sendSurely, SteadyOperator } from '../support/surely.ts';
import { Visitor } from '../support/visitor.ts';

const WINDOW_MS = lasting(5_000, 30_000);
const READERS = lasting(160, 400);
const VISITORS = 40;
const MESSAGES = 60;
/** Answers that wait (128 MiB, as text and as bytes for a moment), WebSockets, and what a busy node needs. */
const MAX_GROWTH_MIB = 450;

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

/** Visitors who have said much: each history is some megabytes. */
async function talkative(cluster: TestCluster): Promise<Visitor[]> {
  const { url } = cluster.master;
  const visitors: Visitor[] = [];
  for (let i = 0; i < VISITORS; i++) {
    const visitor = await Visitor.init(url);
    await sendSurely(visitor, `flood ${i}`, `flood-${i}`);
    visitors.push(visitor);
  }
  await cluster.database.query(
    `insert into message (visitor_id, ts_us, id, chat_id, visit_session_id, sender, client_side_id, kind, name, text, changed_us, edited)
     select m.visitor_id, m.ts_us + n, lpad(to_hex(m.ts_us + n), 16, '0') || md5(m.id || n)::char(16), m.chat_id, m.visit_session_id, m.sender,
       m.client_side_id || '-' || n, m.kind, m.name, repeat('слово ', 5000), m.ts_us + n, false
     from message m, generate_series(1, ${MESSAGES}) n where m.text like 'flood %'`,
  );
  return visitors;
}

/** p99 from sending to its operator's desk. */
async function p99(visitor: Visitor, steady: SteadyOperator, name: string): Promise<number> {
  const times: number[] = [];
  const until = performance.now() + WINDOW_MS;
  for (let i = 0; performance.now() < until || i < 40; i++) {
    const text = `${name} ${i}`;
    const started = performance.now();
    await sendSurely(visitor, text, text.replaceAll(' ', '-'));
    await eventually(() => steady.hasHeard(text), { every: 1, within: 10_000 });
    times.push(performance.now() - started);
    await wait(20);
  }
  return percentile(times, 0.99);
}

/** What an operator does at the beginning of his day; throws when he cannot. */
async function operatorsDay(cluster: TestCluster, login: string, visitor: Visitor, day: number): Promise<void> {
  const { url } = cluster.master;
  const operator = await Operator.login(url, login, PASSWORD);
  await operator.connect();
  try {
    assert.equal(operator.closed, undefined, 'his WebSocket is open');
    assert.equal(operator.fullUpdates.length, 1);
    await sendSurely(visitor, 'is anybody there?', `there-${day}`);
    const [row] = await cluster.database.query<{ id: number }>('select id from chat where visitor_id = $1', [visitor.page.visitor.id]);
    const chatId = String(row?.id);
    await operator.action('chat.take', { chatId });
    const said = await operator.action('chat.message', { chatId, message: 'yes', clientSideId: `yes-${day}` });
    assert.equal(said.result, 'ok', JSON.stringify(said));
    const form = new FormData();
    form.set('chatId', chatId);
    form.set('clientSideId', `file-${day}`);
    form.set('webim_upload_file', new Blob(['a text']), 'a.txt');
    const sent = await fetch(`${url}/l/o/upload`, { method: 'POST', headers: { authorization: `Bearer ${operator.token}` }, body: form });
    assert.equal(sent.status, 200, await sent.text());
    const history = await operator.get(`/l/o/history?chatId=${chatId}`);
    assert.equal(history.result, 'ok');
  } finally {
    operator.close();
  }
}

describe('floods', () => {
  test('of unread answers, WebSockets and trickling uploads at once: others chat on, memory stays, operators have their places', async t => {
    const ini =
      'max_chats_per_operator = 1000\nvisitor_connections_per_address = 200\nvisitor_reads_per_second = 20\nassignment_mode = manual\noperator_grace_seconds = 600\n';
    const cluster = cleanup.add(await startCluster({ without: [SLAVE], ini, operators: 3 }), it => it.stop());
    const { url, port } = cluster.master;
    const floods = await talkative(cluster);
    const steady = cleanup.add(await SteadyOperator.start(url, cluster.logins[0] ?? ''), it => it.stop());
    const greedy = await Operator.login(url, cluster.logins[1] ?? '', PASSWORD);
    const good = await Visitor.init(url);
    const from = (i: number): string => `198.51.100.${i % 4}`;
    const head = (path: string, i: number, more = ''): string =>
      `GET ${path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: ${from(i)}\r\n${more}`;
    const heads = floods.flatMap((visitor, i) => {
      const credentials = new URLSearchParams(visitor.credentials).toString();
      return [
        head(`/l/v/m/history?${credentials}`, i),
        head(`/l/v/m/search-messages?query=${encodeURIComponent('слово')}&${credentials}`, i),
        head(`/l/v/m/delta?since=0&${credentials}`, i),
        head('/l/o/delta', i, `Authorization: Bearer ${greedy.token}\r\n`),
      ];
    });
    const wsUrl = url.replace('http', 'ws');
    const webSockets = Array.from({ length: 300 }, (_, i) => ({
      url: `${wsUrl}/ws/v/delta?${new URLSearchParams(floods[i < 150 ? 0 : i % VISITORS]?.credentials).toString()}`,
      headers: { 'X-Forwarded-For': '198.51.100.7' },
    }));
    const plan = { port, readers: { count: READERS, heads }, webSockets, trickles: Array.from({ length: 100 }, (_, i) => from(i)) };

    await p99(good, steady, 'warm');
    const before = cluster.master.rss();
    let most = before;
    const watch = setInterval(() => (most = Math.max(most, cluster.master.rss())), 100);
    const rounds = { calm: [] as number[], flooded: [] as number[] };
    const open: Flood[] = [];
    cleanup.add(open, list => list.forEach(it => it.stop()));
    try {
      for (let round = 0; round < 3; round++) {
        rounds.calm.push(await p99(good, steady, `calm ${round}`));
        const refused = await cluster.master.metric('uploads_busy_total');
        open.push(floodFrom(plan));
        await eventually(async () => (await cluster.master.metric('uploads_busy_total')) > refused, { within: 30_000 }); // it has begun
        const [flooded] = await Promise.all([
          p99(good, steady, `flooded ${round}`),
          operatorsDay(cluster, cluster.logins[2] ?? '', await Visitor.init(url), round),
        ]);
        rounds.flooded.push(flooded);
        assert.ok((await cluster.master.metric('http_unread_bytes')) <= 128 * 1_048_576);
        for (const it of open.splice(0)) it.stop();
        await wait(500);
      }
    } finally {
      clearInterval(watch);
    }
    const [calm, flooded] = [percentile(rounds.calm, 0.5), percentile(rounds.flooded, 0.5)];
    const metric = async (name: string): Promise<string> => `${name} ${await cluster.master.metric(name)}`;
    t.diagnostic(
      `p99 of another visitor's messages: ${calm.toFixed(0)} ms calm, ${flooded.toFixed(0)} ms flooded (medians of 3); RSS ${before.toFixed(0)} MiB before, ${most.toFixed(0)} MiB at most; ` +
        (
          await Promise.all(
            [
              'http_unread_refused_total{whose="client"}',
              'http_unread_cut_total{what="answer"}',
              'http_bytes_refused_total',
              'visitor_sockets_refused_total{of="page"}',
              'visitor_sockets_refused_total{of="visitor"}',
              'uploads_busy_total',
            ].map(metric),
          )
        ).join(', '),
    );
    assert.ok(most - before <= MAX_GROWTH_MIB, `${(most - before).toFixed(0)} MiB more`);
    // The one who floods and those who chat share two cores with the node and its database.
    assert.ok(flooded <= calm * 1.5 + 1_500, `p99 ${flooded} ms, ${calm} ms before`);
    assert.equal((await cluster.master.status()).state, 'running');
    await eventually(async () => assert.equal(await cluster.master.metric('http_unread_bytes'), 0), { within: 15_000 });
    await eventually(async () => assert.equal(await cluster.master.metric('uploads_reading'), 0), { within: 15_000 });
  });
});
