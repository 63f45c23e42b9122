/** How long nobody leads: twenty crashes and twenty planned changes, and a leader that is frozen for long. */
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { MASTER, SLAVE, startCluster, type TestCluster } from '../support/cluster.ts';
import { percentile } from '../support/crowd.ts';
import { eventually } from '../support/eventually.ts';
import { lasting } from '../support/faults/durations.ts';
import type { NodeProcess } from '../support/process.ts';

const ROUNDS = lasting(4, 20);

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const other = (name: string): string => (name === MASTER ? SLAVE : MASTER);

/** The moment at which a node began to lead by the latest of its log lines. */
async function heldSince(node: NodeProcess, times: number): Promise<number> {
  const events = await eventually(
    () => {
      const held = node.events('lease-held');
      return held.length >= times && held;
    },
    { within: 10_000, every: 5 },
  );
  return Date.parse(events.at(-1)?.time ?? '');
}

async function leading(cluster: TestCluster, name: string): Promise<void> {
  await eventually(async () => (await cluster.leader()) === name, { within: 15_000, every: 10 });
}

describe('take-overs', () => {
  test(`${ROUNDS} crashes: another node leads within 5 s of each`, async t => {
    const cluster = cleanup.add(await startCluster(), it => it.stop());
    const gaps: number[] = [];
    let leader = MASTER;
    await leading(cluster, leader);
    for (let round = 0; round < ROUNDS; round++) {
      const next = cluster.node(other(leader));
      const times = next.events('lease-held').length + 1;
      const killed = Date.now();
      await cluster.node(leader).kill();
      gaps.push((await heldSince(next, times)) - killed);
      await cluster.start(leader);
      leader = other(leader);
    }
    t.diagnostic(`${gaps.length} crashes: nobody led for p50 ${percentile(gaps, 0.5)} ms, max ${Math.max(...gaps)} ms`);
    assert.ok(Math.max(...gaps) <= 5_000, `gaps in ms: ${gaps.join(', ')}`);
  });

  test(`${ROUNDS} planned stops: another node leads within 500 ms of each`, async t => {
    const cluster = cleanup.add(await startCluster(), it => it.stop());
    const gaps: number[] = [];
    let leader = MASTER;
    await leading(cluster, leader);
    for (let round = 0; round < ROUNDS; round++) {
      const [old, next] = [cluster.node(leader), cluster.node(other(leader))];
      const times = next.events('lease-held').length + 1;
      assert.equal(await old.stop(), 0);
      const [handed] = old.events('lease-handed-over');
      gaps.push((await heldSince(next, times)) - Date.parse(handed?.time ?? ''));
      await cluster.start(leader);
      leader = other(leader);
    }
    t.diagnostic(`${gaps.length} planned stops: nobody led for p50 ${percentile(gaps, 0.5)} ms, max ${Math.max(...gaps)} ms`);
    assert.ok(Math.max(...gaps) <= 500, `gaps in ms: ${gaps.join(', ')}`);
  });

  test('the configured master gets the lease back after ten seconds of being ready, in order', async () => {
    const cluster = cleanup.add(await startCluster(), it => it.stop());
    await leading(cluster, MASTER);
    await cluster.master.stop();
    await leading(cluster, SLAVE);
    const master = await cluster.start(MASTER);
    const ready = Date.now();
    await heldSince(master, 1).catch(() => heldSince(master, 1));
    await leading(cluster, MASTER);
    const held = Date.parse(master.events('lease-held')[0]?.time ?? '');
    assert.ok(held - ready >= 9_000 && held - ready <= 13_000, `${held - ready} ms after it was ready`);
    assert.equal(await master.metric('leader_changes_total{reason="failback"}'), 1);
  });
});
