/** The bus on PostgreSQL's NOTIFY keeps the contract of all transports, and adds nothing to wait for. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { createMetrics } from '../../src/system/metrics.ts';
import type { Bus } from '../../src/ports/index.ts';
import type { Database } from '../../src/postgres/database.ts';
import { createNotifyBus } from '../../src/postgres/notify-bus.ts';
import { busContract, listen, proveConnected, publish } from '../contracts/bus-contract.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { keptLog } from '../support/silent.ts';

let database: TestDatabase;
let pool: Database;
before(async () => {
  database = await createTestDatabase();
  pool = database.open();
});
after(async () => {
  await pool.end();
  await database.drop();
});

const makeBus = (): Bus => createNotifyBus({ database: pool, incarnation: randomUUID(), log: keptLog(), metrics: createMetrics() });

busContract('NOTIFY', () =>
  Promise.resolve({
    makeBus,
    async cut() {
      await database.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'test'",
      );
    },
    async sendPoison() {
      for (const channel of ['tandem_changes', 'tandem_signals']) await database.query("select pg_notify($1, 'someone {')", [channel]);
    },
    close: () => Promise.resolve(),
  }),
);

describe('NOTIFY', () => {
  test('drops a signal that is too long for a payload and goes on', async () => {
    const [a, b] = [await listen(makeBus()), await listen(makeBus())];
    a.bus.publishSignal({ type: 'visitor-typing', chatId: 1, typing: true, draft: 'x'.repeat(9_000) });
    a.bus.publishSignal({ type: 'visitor-typing', chatId: 2, typing: true, draft: null });
    await eventually(() => b.signals.length === 1);
    assert.equal(b.signals[0]?.type === 'visitor-typing' && b.signals[0].chatId, 2);
    await proveConnected(a, b);
    await Promise.all([a.bus.stop(), b.bus.stop()]);
  });

  test('keeps at most 1,000 notifications waiting; the rest is left to the log', async () => {
    const metrics = createMetrics();
    const bus = createNotifyBus({ database: pool, incarnation: randomUUID(), log: keptLog(), metrics });
    const from = await listen(bus);
    for (let revision = 1; revision <= 3_000; revision++) publish(from.bus, revision);
    assert.equal(await metrics.value('bus_envelopes_out_total'), 1_000);
    assert.equal(await metrics.value('bus_envelopes_skipped_total'), 2_000);
    await bus.stop();
  });
});
