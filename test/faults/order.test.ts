/** The bus brings commits too early, twice or not at all, and PostgreSQL commits out of order: readers miss nothing. */
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import pg from 'pg';
import { sendVisitorMessage } from '../../src/commands/send-visitor-message.ts';
import { createChangeLog } from '../../src/postgres/change-log.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { createSnapshots } from '../../src/postgres/snapshots.ts';
import type { Bus } from '../../src/ports/index.ts';
import { type BareNode, startBareNode } from '../support/bare-node.ts';
import { withVirtualHost } from '../support/broker.ts';
import { Cleanup } from '../support/cleanup.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { lasting } from '../support/faults/durations.ts';
import { FaultyBus, type Faults } from '../support/faulty-bus.ts';
import { addVisitors, said, speaking } from '../support/people.ts';
import { assertSame, golden } from '../support/replay.ts';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

async function migrated(): Promise<TestDatabase> {
  const database = cleanup.add(await createTestDatabase(), it => it.drop());
  const opened = database.open();
  await migrate(opened);
  await opened.end();
  return database;
}

/** 8 visitors speak at one node; the other hears through a faulty bus, and ends in the same state. */
async function converse(faults: Faults): Promise<{ listener: BareNode; bus: FaultyBus }> {
  const database = await migrated();
  const vhost = cleanup.add(await withVirtualHost(), it => it.delete());
  const buses: FaultyBus[] = [];
  const wrapBus = (bus: Bus): Bus => {
    const faulty = new FaultyBus(bus, faults);
    buses.push(faulty);
    return faulty;
  };
  const speaker = cleanup.add(await startBareNode(database, { name: 'a', vhost: vhost.name }), it => it.stop());
  const listener = cleanup.add(await startBareNode(database, { name: 'b', vhost: vhost.name, wrapBus }), it => it.stop());
  const pages = await addVisitors(speaker, 8);
  await golden(speaker.database, async () => {
    await Promise.all(
      pages.map(async page => {
        for (let i = 0; i < lasting(100, 2_000); i++) {
          await speaker.run(sendVisitorMessage(said(`m ${i}`, `${page.id}-${i}`), speaking(page)));
        }
      }),
    );
    await eventually(() => listener.replica.revision === speaker.replica.revision, { within: 10_000 });
  });
  assertSame(listener.replica, await createSnapshots(speaker.database).load());
  assert.equal(await listener.metrics.value('replica_reloads_total'), 1, 'nothing was loaded anew');
  const [bus] = buses;
  assert.ok(bus !== undefined);
  return { listener, bus };
}

describe('faults of order:', () => {
  test('f40 commits that come before those they build on wait for them, or the hole is read from the log', async () => {
    const { bus } = await converse({ drop: 0, double: 0, maxDelayMs: 80 });
    assert.ok(bus.reordered > 20, `${bus.reordered} came in the wrong order`);
  });

  test('f41 commits that come twice are dropped by their revision', async () => {
    const { listener, bus } = await converse({ drop: 0, double: 0.5, maxDelayMs: 0 });
    assert.ok(bus.doubled > 20, `${bus.doubled} came twice`);
    assert.ok((await listener.metrics.value('feed_dropped_total')) >= bus.doubled * 0.9);
  });

  test('f42 transactions that commit in another order than they began, and slowly: a reader misses none', async t => {
    const database = await migrated();
    const opened = cleanup.add(database.open(), it => it.end());
    const log = createChangeLog(opened);
    const events = lasting(40_000, 1_000_000);
    const WRITERS = 8;
    const PER_COMMIT = 20;
    const target = { host: database.host, port: database.port, user: database.user, database: database.name };
    let left = Math.ceil(events / PER_COMMIT);
    const expected = left * PER_COMMIT;
    const changes = JSON.stringify(Array.from({ length: PER_COMMIT }, (_, i) => ({ type: 'chat-read-by-visitor', chatId: i + 1 })));
    const writing = Array.from({ length: WRITERS }, async (_, writer) => {
      const client = new pg.Client({ ...target, ...(database.password === undefined ? {} : { password: database.password }) });
      await client.connect();
      while (left-- > 0) {
        await client.query('begin');
        // A writer that has begun, and drawn an id of a sequence as a naive log would, dawdles before it commits.
        await client.query("select nextval('chat_id')");
        if (Math.random() < 0.02) await client.query('select pg_sleep($1)', [Math.random() * 0.02 * (writer + 1)]);
        await client.query(`select append_changes(gen_random_uuid(), ${PER_COMMIT}, '${changes}', null); commit`);
      }
      await client.end();
    });
    const [{ newest } = { newest: '0' }] = await database.query<{ newest: string }>(
      'select epoch * 1000000000000 as newest from installation',
    );
    let revision = Number(newest);
    let read = 0;
    const writers = { areDone: false };
    const reading = (async () => {
      for (let isLast = false; ; ) {
        const { commits, complete } = await log.read(revision);
        for (const commit of commits) {
          assert.equal(commit.first, revision + 1, 'no hole');
          assert.equal(commit.changes.length, commit.last - commit.first + 1);
          revision = commit.last;
          read += commit.changes.length;
        }
        if (isLast && complete) return;
        isLast = writers.areDone && complete;
      }
    })();
    await Promise.all(writing);
    writers.areDone = true;
    await reading;
    t.diagnostic(`${read} changes of ${WRITERS} writers`);
    assert.equal(read, expected);
  });
});
