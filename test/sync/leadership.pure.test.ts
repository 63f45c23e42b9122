/** What a node does with the lease when it comes at the wrong moment. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createMetrics } from '../../src/system/metrics.ts';
import type { Heartbeat } from '../../src/ports/index.ts';
import { Leadership } from '../../src/sync/leadership.ts';
import { keptLog } from '../support/silent.ts';

describe('a lease that comes to a node', () => {
  function leadership(handLease: () => Promise<string | undefined>) {
    let nowMs = 1_000;
    const log = keptLog();
    const led: boolean[] = [];
    const told: string[] = [];
    const one = new Leadership({
      registry: { handLease },
      clock: { nowMs: () => nowMs },
      log,
      metrics: createMetrics(),
      leaseSeconds: 5,
      onChange: leads => led.push(leads),
      tell: holder => told.push(holder),
    });
    const mine = { lease: { mine: true, holder: 'own', token: 7, expiresInMs: 5_000, reason: 'planned' } } as unknown as Heartbeat;
    return { one, log, led, told, mine, pass: (ms: number) => (nowMs += ms) };
  }

  test('makes it lead until shortly before the lease ends', async () => {
    const { one, led, mine, pass } = leadership(() => Promise.resolve('other'));
    one.stand();
    await one.observe(mine, 1_000);
    assert.deepEqual([one.token, led], [7, [true]]);
    pass(4_499);
    assert.equal(one.token, 7);
    pass(1);
    assert.equal(one.token, undefined);
    one.stop();
  });

  for (const [when, leave] of [
    ['has resigned', (one: Leadership) => one.resign()],
    ['has stopped', (one: Leadership) => Promise.resolve(one.stop())],
  ] as const)
    for (const [next, holder] of [
      ['another one', 'other'],
      ['nobody', ''],
      ['unknown to whom, because it was lost meanwhile', undefined],
    ] as const)
      test(`that ${when} goes on to ${next} at once, and nothing of it is left`, async () => {
        let handed = 0;
        const { one, log, led, told, mine } = leadership(() => {
          handed += 1;
          return Promise.resolve(holder);
        });
        one.stand();
        await leave(one);
        await one.observe(mine, 1_000);
        assert.deepEqual([handed, one.token, one.claims], [1, undefined, false]);
        assert.deepEqual(told, holder === 'other' ? ['other'] : []);
        assert.ok(!led.includes(true), 'it never led');
        assert.ok(
          log.entries.every(({ level }) => level === 'info'),
          JSON.stringify(log.entries),
        );
        assert.deepEqual(
          process.getActiveResourcesInfo().filter(name => name === 'Timeout'),
          [],
        );
      });

  test('that cannot pass it on, because there is no database, says so and leads no more', async () => {
    const { one, log, mine } = leadership(() => Promise.reject(new Error('away')));
    one.stand();
    await one.resign();
    await one.observe(mine, 1_000);
    assert.equal(one.token, undefined);
    assert.deepEqual(
      log.entries.map(({ event }) => event),
      ['lease-not-handed-over'],
    );
  });
});
