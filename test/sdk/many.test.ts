/** A thousand apps on two nodes by HTTP: every one holds its poll and is told what is said to it, and none waits too long. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { lasting } from '../support/faults/durations.ts';
import { Visitor } from '../support/visitor.ts';

const VISITORS = 1_000;
const AT_ONCE = 50;
/** SDKs give up a poll after this. */
const PATIENCE_MS = 44_000;

describe('a thousand apps', () => {
  let cluster: TestCluster;

  before(async () => {
    cluster = await startCluster({ ini: `max_chats_per_operator = 1000\npoll_hold_seconds = ${lasting(5, 25)}\n` });
  });

  after(() => cluster.stop());

  test('poll, speak and hear: no poll is held too long, nothing is lost, and a held poll costs little memory', async t => {
    const nodes = [cluster.master, cluster.slave];
    const visitors: Visitor[] = [];
    for (let i = 0; i < VISITORS; i += AT_ONCE)
      visitors.push(...(await Promise.all(Array.from({ length: AT_ONCE }, (_, k) => Visitor.init(nodes[(i + k) % 2]?.url ?? '')))));
    const rss = (): number => nodes.reduce((sum, node) => sum + node.rss(), 0);
    const rssBefore = rss();
    let longest = 0;
    let goesOn = true;
    const failed: unknown[] = [];
    const polling = visitors.map(async visitor => {
      while (goesOn) {
        const started = performance.now();
        await visitor.poll().catch((error: unknown) => failed.push(error));
        longest = Math.max(longest, performance.now() - started);
      }
    });
    const held = async (): Promise<number> => (await Promise.all(nodes.map(node => node.metric('hub_sessions')))).reduce((a, b) => a + b);
    await eventually(async () => (await held()) >= VISITORS * 0.95, { within: 20_000, every: 100 });
    const perPoll = ((rss() - rssBefore) * 1_024) / VISITORS;
    const started = performance.now();
    let said = 0;
    for (const end = performance.now() + lasting(8_000, 60_000); performance.now() < end; said += AT_ONCE) {
      const speakers = Array.from({ length: AT_ONCE }, (_, k) => visitors[(said + k) % VISITORS] as Visitor);
      await Promise.all(speakers.map((visitor, k) => visitor.send(`text ${said + k}`, `m-${said + k}`)));
      await wait(50);
    }
    const seconds = (performance.now() - started) / 1_000;
    const heard = (): number =>
      visitors.reduce((sum, { deltas }) => sum + deltas.filter(delta => delta.objectType === 'CHAT_MESSAGE').length, 0);
    await eventually(() => heard() >= said, { within: 20_000, every: 200 });
    goesOn = false;
    await Promise.all(polling);
    t.diagnostic(
      `${Math.round(said / seconds)} messages/s, longest poll ${Math.round(longest)} ms; ${perPoll.toFixed(1)} KiB of memory for a held poll with its connection`,
    );
    assert.deepEqual(failed, []);
    assert.equal(heard(), said, 'each is told of what he said, once');
    assert.ok(longest < PATIENCE_MS, `a poll took ${longest} ms`);
    const [row] = await cluster.database.query<{ count: number }>('select count(*)::int from message');
    assert.equal(row?.count, said);
  });
});
