/** New visitors without end from a few addresses: rows stay bounded, others go on. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { afterEach, describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Cleanup } from '../support/cleanup.ts';
import { SLAVE, startCluster } from '../support/cluster.ts';
import { percentile } from '../support/crowd.ts';
import { eventually } from '../support/eventually.ts';
import { lasting } from '../support/faults/durations.ts';
import { sendSurely, SteadyOperator } from '../support/surely.ts';
import { Visitor } from '../support/visitor.ts';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const ADDRESSES = ['192.0.2.1', '192.0.2.2', '2001:db8:1:2::', '2001:db8:1:3::'];
const PER_SECOND = 200;
const SECONDS = lasting(20, 600);
const ROUND = lasting(150, 1_000);

describe('a flood of new visitors:', () => {
  test('f71 200 a second from four addresses, each writing at once: few rows, no row for who only comes, others hardly notice', async t => {
    const ini = 'visitor_inits_per_second = 5\nvisitor_chats_per_minute = 60\nassignment_mode = manual';
    const cluster = cleanup.add(await startCluster({ ini, without: [SLAVE] }), it => it.stop());
    const { url } = cluster.master;
    const steady = cleanup.add(await SteadyOperator.start(url, 'op1'), it => it.stop());
    const good = await Visitor.init(url);
    const rows = async (): Promise<Record<string, number>> => {
      const [row] = await cluster.database.query<Record<string, number>>(
        'select (select count(*)::int from visitor) as visitors, (select count(*)::int from page) as pages, (select count(*)::int from chat) as chats',
      );
      return row ?? {};
    };
    const latencies = async (name: string, count: number, goesOn = () => true): Promise<number[]> => {
      const times: number[] = [];
      for (let i = 0; i < count && goesOn(); i++) {
        const text = `${name} ${i}`;
        const started = performance.now();
        await sendSurely(good, text, text.replaceAll(' ', '-'));
        await eventually(() => steady.hasHeard(text), { every: 1, within: 10_000 });
        times.push(performance.now() - started);
      }
      return times;
    };

    await latencies('f71 warm', 50);
    const before = await rows();
    const calm = percentile(await latencies('f71 calm', ROUND), 0.99);
    const flooding = new Flood(url);
    const flooded = percentile(await latencies('f71 flood', Number.MAX_SAFE_INTEGER, () => flooding.seconds < SECONDS), 0.99);
    const flood = await flooding.stop();
    const after = await rows();

    t.diagnostic(`${flood.inits} inits in ${Math.round(flood.seconds)} s: ${flood.accepted} accepted, ${flood.refused} told to try later`);
    t.diagnostic(`rows before ${JSON.stringify(before)}, after ${JSON.stringify(after)}`);
    t.diagnostic(`p99 of another visitor's messages: ${calm} ms before, ${flooded} ms during the flood`);
    assert.ok(flood.inits >= 0.5 * PER_SECOND * flood.seconds, 'it was a flood');
    assert.deepEqual(Object.keys(flood.statuses).sort(), ['200', '502'], 'what SDKs can read, and survive');
    const newVisitors = ADDRESSES.length * (50 + 5 * (flood.seconds + 1));
    assert.ok(flood.accepted <= newVisitors, `${flood.accepted} of at most ${newVisitors}`);
    const begun = ADDRESSES.length * (60 + flood.seconds + 1);
    for (const table of ['visitors', 'pages', 'chats'] as const)
      assert.ok((after[table] ?? 0) - (before[table] ?? 0) <= begun, `${after[table]} ${table}, at most ${begun} new ones`);
    assert.ok((await cluster.master.metric('address_refused_total{what="init"}')) > 0);
    assert.ok((await cluster.master.metric('address_refused_total{what="chat"}')) > 0);
    // The flood's own sender shares two cores with the node, its database and this test: what it takes of the machine is not ours.
    assert.ok(flooded <= calm * 1.5 + lasting(1_000, 60), `${flooded} ms, ${calm} ms before`);
    assert.equal((await cluster.master.status()).state, 'running');
  });
});

interface FloodReport {
  readonly inits: number;
  readonly accepted: number;
  readonly refused: number;
  readonly seconds: number;
  /** How often, by status. */
  readonly statuses: Readonly<Record<string, number>>;
}

class Flood {
  readonly #worker: Worker;
  readonly #startedAt = performance.now();

  constructor(url: string) {
    const workerData = { url, addresses: ADDRESSES, perSecond: PER_SECOND };
    this.#worker = new Worker(new URL('../support/init-flooder.mjs', import.meta.url), { workerData });
  }

  get seconds(): number {
    return (performance.now() - this.#startedAt) / 1_000;
  }

  async stop(): Promise<FloodReport> {
    const told = once(this.#worker, 'message') as Promise<[FloodReport]>;
    this.#worker.postMessage('stop');
    const [report] = await told;
    await this.#worker.terminate();
    return report;
  }
}
