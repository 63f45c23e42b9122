/**
 * 200 messages a second through Nginx with the standard two-node site, and one of the two nodes is killed with no
 * warning: at clients that try again as SDKs do, nothing is lost, doubled or out of order.
 */
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Cleanup } from '../support/cleanup.ts';
import { MASTER, SLAVE, startCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { lasting } from '../support/faults/durations.ts';
import { assertInvariants } from '../support/invariants.ts';
import { startNginx } from '../support/nginx.ts';
import { sendSurely, SteadyOperator } from '../support/surely.ts';
import { Visitor } from '../support/visitor.ts';

const PER_SECOND = 200;
const VISITORS = 20;

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

describe('killed under load', () => {
  for (const victim of [MASTER, SLAVE]) {
    test(`${victim}: 0 lost, 0 doubled, 0 out of order at ${PER_SECOND} messages a second through Nginx`, async t => {
      const cluster = cleanup.add(await startCluster({ ini: 'max_chats_per_operator = 100\n' }), it => it.stop());
      const nginx = cleanup.add(await startNginx({ nodes: { 8260: cluster.master.port, 8261: cluster.slave.port } }), it => it.stop());
      const steady = cleanup.add(await SteadyOperator.start(nginx.url, 'op1'), it => it.stop());
      const visitors = await Promise.all(Array.from({ length: VISITORS }, () => Visitor.init(nginx.url)));
      const said: string[][] = visitors.map(() => []);
      const seconds = lasting(8, 60);
      const started = performance.now();
      let repeats = 0;
      const speaking = visitors.map(async (visitor, who) => {
        for (let i = 0; i < (seconds * PER_SECOND) / VISITORS; i++) {
          const due = started + ((i * VISITORS + who) * 1_000) / PER_SECOND;
          if (due > performance.now()) await wait(due - performance.now());
          const text = `${who}: ${i}`;
          repeats += (await sendSurely(visitor, text, `${who}-${i}`)) - 1;
          said[who]?.push(text);
        }
      });
      await wait((seconds * 1_000) / 3);
      await cluster.node(victim).kill();
      await wait((seconds * 1_000) / 3);
      await cluster.start(victim);
      await Promise.all(speaking);
      const all = said.flat().length;
      await eventually(() => steady.texts.length >= all, { within: 20_000, every: 100 }).catch(() => undefined);
      for (const [who, own] of said.entries()) {
        assert.deepEqual(
          steady.texts.filter(text => text.startsWith(`${who}: `)),
          own,
          `what visitor ${who} said is what the operator heard`,
        );
      }
      assert.equal(steady.doubled, 0);
      const [stored] = await cluster.database.query<{ count: number }>('select count(*)::int from message');
      assert.equal(stored?.count, all);
      await assertInvariants(cluster.database);
      t.diagnostic(`${all} messages, ${repeats} sent again, operator connected again ${steady.reconnects} times`);
    });
  }
});
