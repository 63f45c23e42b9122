/** The store, the log and the schema on every PostgreSQL that is there: the system's (15) and the embedded one (18). */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { KeySet } from '../../src/commit/key-set.ts';
import { readByVisitor } from '../../src/commands/read-chat.ts';
import { sendVisitorMessage } from '../../src/commands/send-visitor-message.ts';
import { assignChats } from '../../src/commands/assign-chats.ts';
import { EPOCH_SIZE } from '../../src/domain/change.ts';
import type { Chat } from '../../src/domain/chat.ts';
import { ChatError } from '../../src/domain/error.ts';
import { migrate, SchemaTooNew } from '../../src/postgres/migrate.ts';
import { NodeNameHeld } from '../../src/ports/index.ts';
import { createRegistry } from '../../src/postgres/registry.ts';
import { createSnapshots } from '../../src/postgres/snapshots.ts';
import { createStore } from '../../src/postgres/store.ts';
import { type BatchWrite, type Guess, StoreFailure } from '../../src/ports/index.ts';
import { type BareNode, startBareNode } from '../support/bare-node.ts';
import { Cleanup } from '../support/cleanup.ts';
import { createTestDatabase, pgServer, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { makeDecoys, setHostileDefaults } from '../support/hostile-defaults.ts';
import { addOperators, addVisitors, said, speaking } from '../support/people.ts';
import { golden } from '../support/replay.ts';
import { anIdentity, ANY_RECORD, NO_STATS, someRules } from '../support/rows.ts';

const NONE = { created: [], changed: [] };

const NOTHING: BatchWrite = {
  visitors: NONE,
  chats: NONE,
  operators: NONE,
  departments: NONE,
  messages: NONE,
  history: [],
  statusTimes: [],
  endedPageIds: [],
  endedOperatorSessions: [],
  changeCount: 1,
  changesJson: Buffer.from('[{"type":"chat-read-by-visitor","chatId":0}]'),
  leaseToken: undefined,
};

for (const [server, defaults] of [
  ['TEST_PG', 'its own'],
  ['TEST_PG18', 'its own'],
  ['TEST_PG', 'hostile'],
  ['TEST_PG18', 'hostile'],
] as const) {
  describe(`the store on ${server === 'TEST_PG' ? "the system's PostgreSQL" : 'the embedded PostgreSQL 18'} with ${defaults} defaults`, () => {
    const cleanup = new Cleanup();
    let database: TestDatabase;
    let node: BareNode;

    before(async () => {
      database = cleanup.add(await createTestDatabase(pgServer(server)), it => it.drop());
      if (defaults === 'hostile') await makeDecoys(sql => database.query(sql));
      if (defaults === 'hostile') await setHostileDefaults(sql => database.query(sql), `database ${database.name}`);
      const opened = database.open();
      await Promise.all([migrate(opened), migrate(opened), migrate(opened)]); // one migrates, the others wait
      await opened.end();
      node = cleanup.add(await startBareNode(database), it => it.stop());
    });

    after(() => cleanup.run());

    const send = (page: Awaited<ReturnType<typeof addVisitors>>[number], text: string, clientSideId?: string) =>
      node.run(sendVisitorMessage(said(text, clientSideId), speaking(page)));

    test('is of a version that is supported', async t => {
      const [row] = await database.query<{ version: string }>("select current_setting('server_version_num') as version");
      t.diagnostic(`server_version_num ${row!.version}`);
      assert.ok(Number(row!.version) >= 150_000 && Number(row!.version) < 190_000);
    });

    test('messages of many visitors in one batch are stored once, in order, and replay to the same state', async () => {
      const visitors = await addVisitors(node, 20);
      await golden(node.database, async () => {
        await Promise.all(visitors.flatMap(page => Array.from({ length: 10 }, (_, i) => send(page, `${i}`))));
      });
      const rows = await database.query<{ texts: string; count: string }>(
        "select string_agg(text, '' order by ts_us) as texts, count(*) from message group by visitor_id",
      );
      assert.deepEqual([...new Set(rows.map(row => row.texts))], ['0123456789']);
      const [commits] = await database.query<{ count: string }>('select count(*) from change_log');
      assert.ok(Number(commits!.count) < 100, 'commands that wait for a commit share the next one');
    });

    test('a repeat returns the first answer, another text under the same id is an edit', async () => {
      const [page] = await addVisitors(node, 1);
      const first = await send(page!, 'one', 'same');
      assert.deepEqual(await send(page!, 'one', 'same'), first);
      assert.deepEqual(await send(page!, 'two', 'same'), first);
      const rows = await database.query('select text, edited, changed_us > ts_us as later from message where visitor_id = $1', [
        page!.visitorId,
      ]);
      assert.deepEqual(
        rows.map(row => ({ ...row })),
        [{ text: 'two', edited: true, later: true }],
      );
    });

    test('content that cannot be stored is refused alone: neighbours in its batch are stored', async () => {
      const visitors = await addVisitors(node, 10);
      const outcomes = await Promise.allSettled(visitors.map((page, i) => send(page, i === 4 ? 'a\u0000b' : `neighbour ${i}`)));
      assert.deepEqual(
        outcomes.map(outcome => outcome.status),
        visitors.map((_, i) => (i === 4 ? 'rejected' : 'fulfilled')),
      );
      const [refused] = outcomes.filter(outcome => outcome.status === 'rejected');
      assert.ok(refused?.reason instanceof ChatError && refused.reason.reason === 'wrong-argument-value');
      assert.equal((await database.query("select 1 from message where text like 'neighbour %'")).length, 9);
    });

    test('a command whose locks were guessed wrong is decided in the next batch', async () => {
      const [page] = await addVisitors(node, 1);
      await send(page!, 'hello');
      const wrong = { ...readByVisitor(page!.visitorId), addKeys: () => undefined };
      await node.run(wrong);
    });

    test('a batch whose outcome was unknown is found by its id', async () => {
      const own = node.database;
      const store = createStore(own);
      const batchId = randomUUID();
      await store.begin(batchId, new KeySet(), false);
      const range = await store.commit(batchId, NOTHING);
      assert.deepEqual((await store.begin(batchId, new KeySet(), true)).committed, range);
      await store.rollback();
      await store.close();
    });

    test('a leader without the lease cannot write, with it he can, after it has ended he cannot', async () => {
      const store = createStore(node.database);
      const attempt = async (leaseToken: number): Promise<string> => {
        const batchId = randomUUID();
        await store.begin(batchId, new KeySet(), false);
        try {
          await store.commit(batchId, { ...NOTHING, leaseToken });
          return 'written';
        } catch (error) {
          await store.rollback();
          return error instanceof StoreFailure ? error.kind : 'other';
        }
      };
      await database.query("update lease set holder = 'x', token = 7, expires_at = clock_timestamp() + interval '10 s'");
      assert.equal(await attempt(6), 'fenced');
      assert.equal(await attempt(7), 'written');
      await database.query('update lease set expires_at = clock_timestamp()');
      assert.equal(await attempt(7), 'fenced');
      await store.close();
      const [page] = await addVisitors(node, 1);
      await send(page!, 'waits');
      const { id: chatId } = await eventually(() => node.replica.openChatOf(page!.visitorId) ?? false);
      const [operatorId] = await addOperators(node, 1);
      await database.query("update operator set status = 'online', status_sort = 'takes' where id = $1", [operatorId]);
      const plan = [{ chatId, operatorId: operatorId!, record: ANY_RECORD }];
      await assert.rejects(node.run(assignChats(plan, someRules(), 7)), /no longer leads/);
    });

    test('a batch decided without locks is stored only on the rows, in the epoch and at the time that it was decided on', async () => {
      const [page] = await addVisitors(node, 1);
      await send(page!, 'opens the chat');
      const chat = await eventually(() => node.replica.openChatOf(page!.visitorId) ?? false);
      const store = createStore(node.database);
      const attempt = async (wrong: Partial<Guess>, batch: BatchWrite = NOTHING): Promise<string> => {
        const [now] = await database.query<{ us: string }>('select clock_us() as us');
        const guess = { nowUs: Number(now!.us), revision: node.replica.revision, visitors: [], chats: [chat], operators: [], ...wrong };
        try {
          await store.commitGuess(randomUUID(), guess, batch);
          return 'written';
        } catch (error) {
          await store.rollback();
          return error instanceof StoreFailure ? error.kind : 'other';
        }
      };
      const writing = (before: Chat): BatchWrite => ({
        ...NOTHING,
        chats: { created: [], changed: [{ before, after: { ...before, subject: 'written', version: before.version + 1 } }] },
      });
      assert.equal(await attempt({}), 'disconnected', 'never over a connection that was not there before');
      await store.begin(randomUUID(), new KeySet(), false);
      await store.rollback();
      assert.equal(await attempt({ chats: [{ id: chat.id, version: chat.version - 1 }] }), 'stale');
      assert.equal(await attempt({ chats: [{ id: chat.id + 1_000, version: 0 }] }), 'stale');
      assert.equal(await attempt({ operators: [{ id: 1_000, version: 0 }] }), 'stale');
      assert.equal(await attempt({ revision: node.replica.revision + EPOCH_SIZE }), 'stale');
      const [now] = await database.query<{ us: string }>('select clock_us() as us');
      assert.equal(await attempt({ nowUs: Number(now!.us) + 10_000_000 }), 'stale');
      assert.equal(await attempt({ nowUs: Number(now!.us) - 10_000_000 }), 'stale');
      assert.equal(await attempt({}), 'written');
      assert.equal(await attempt({}, writing({ ...chat, version: chat.version - 1 })), 'stale', 'a write compares versions itself');
      assert.equal(await attempt({}, writing(chat)), 'written');
      assert.equal(await attempt({}, writing(chat)), 'stale');
      await store.close();
    });

    test('a first chat is begun without locks only for a visitor who is as he came, and has no chat on any node', async () => {
      const store = createStore(node.database);
      await store.begin(randomUUID(), new KeySet(), false);
      await store.rollback();
      const attempt = async (...visitors: Guess['visitors']): Promise<string> => {
        const [now] = await database.query<{ us: string }>('select clock_us() as us');
        const guess: Guess = { nowUs: Number(now!.us), revision: node.replica.revision, visitors, chats: [], operators: [] };
        try {
          await store.commitGuess(randomUUID(), guess, NOTHING);
          return 'written';
        } catch (error) {
          await store.rollback();
          return error instanceof StoreFailure ? error.kind : 'other';
        }
      };
      const [untouched, talks, banned, renamed] = await addVisitors(node, 4);
      await send(talks!, 'has a chat');
      await database.query(`update visitor set ban = '{}' where id = $1`, [banned!.visitorId]);
      await database.query(`update visitor set fields = '{"name": "Ann"}' where id = $1`, [renamed!.visitorId]);
      const as = (page: typeof untouched, fields = {}): Guess['visitors'][number] => ({ id: page!.visitorId, fields, verified: [] });
      assert.equal(await attempt(as(untouched)), 'written');
      assert.equal(await attempt(as(untouched), as(talks)), 'stale');
      assert.equal(await attempt(as(banned)), 'stale');
      assert.equal(await attempt(as(renamed)), 'stale');
      assert.equal(await attempt(as(renamed, { name: 'Ann' })), 'written');
      assert.equal(await attempt({ id: randomUUID(), fields: {}, verified: [] }), 'stale');

      // Whoever changes him meanwhile holds his row: the check waits for that, and sees it.
      const other = await node.database.connect();
      await other.query('begin');
      await other.query(`update visitor set fields = '{"name": "Bob"}' where id = $1`, [untouched!.visitorId]);
      const waiting = attempt(as(untouched));
      await eventually(async () => {
        const blocked = await database.query(
          'select from pg_stat_activity where cardinality(pg_blocking_pids(pid)) > 0 and datname = current_database()',
        );
        assert.equal(blocked.length, 1);
      });
      await other.query('commit');
      assert.equal(await waiting, 'stale');
      await other.end();
      await store.close();
    });

    test("a visitor's first message begins his chat in one round trip; of two on two nodes at once one begins it", async () => {
      const twin = await startBareNode(database, { name: 'twin-writer' });
      try {
        const pages = await addVisitors(node, 20);
        await send(pages[0]!, 'reserves ids for the others');
        for (const { visitorId: id } of pages.slice(1)) {
          twin.newcomers.add({ id, fields: {}, verified: [], lastTsUs: 0, clearedUs: 0, lastOperatorId: null, ban: null });
        }
        const before = await node.metrics.value('commits_guessed_total');
        await eventually(async () => {
          const [page] = await addVisitors(node, 1);
          await send(page!, 'in one go');
          assert.ok((await node.metrics.value('commits_guessed_total')) > before, 'no first message was stored without locks');
        });
        await golden(node.database, () =>
          Promise.all(
            pages.flatMap((page, i) => [
              send(page, 'here', `here-${i}`),
              twin.run(sendVisitorMessage(said('there', `there-${i}`), speaking(page))),
            ]),
          ),
        );
        const rows = await database.query<{ chats: string; messages: string }>(
          'select (select count(*) from chat where visitor_id = any($1)) as chats, (select count(*) from message where visitor_id = any($1)) as messages',
          [pages.map(page => page.visitorId)],
        );
        assert.deepEqual(
          rows.map(row => [Number(row.chats), Number(row.messages)]),
          [[20, 41]],
        );
        const { revision } = await createSnapshots(node.database).load();
        for (const { feed, replica } of [node, twin]) {
          await feed.catchUp();
          assert.equal(replica.revision, revision);
          for (const page of pages) assert.equal(replica.openChatOf(page.visitorId)?.messageCount, page === pages[0] ? 3 : 2);
        }
      } finally {
        await twin.stop();
      }
    });

    test('behind a guess that failed all guesses fail until it is rolled back', async () => {
      const store = createStore(node.database);
      await store.begin(randomUUID(), new KeySet(), false);
      await store.rollback();
      const [now] = await database.query<{ us: string }>('select clock_us() as us');
      const right: Guess = { nowUs: Number(now!.us), revision: node.replica.revision, visitors: [], chats: [], operators: [] };
      const outcomes = await Promise.allSettled([
        store.commitGuess(randomUUID(), { ...right, operators: [{ id: 1_000, version: 0 }] }, NOTHING),
        store.commitGuess(randomUUID(), right, NOTHING),
      ]);
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        ['rejected', 'rejected'],
      );
      await store.rollback();
      await store.commitGuess(randomUUID(), right, NOTHING);
      await store.close();
    });

    test('a visitor who talks is stored in one round trip; what was sent before and what must be refused goes over locks', async () => {
      const count = (name: string): Promise<number> => node.metrics.value(name);
      const [page] = await addVisitors(node, 1);
      await send(page!, 'opens');
      await eventually(() => node.replica.openChatOf(page!.visitorId) !== undefined); // other tests' writers left holes to be read
      const [guessed, stale] = [await count('commits_guessed_total'), await count('commits_stale_total')];
      for (let i = 0; i < 5; i++) await send(page!, `says ${i}`, `says-${i}`);
      assert.equal((await count('commits_guessed_total')) - guessed, 5);
      await Promise.all([send(page!, 'says 4', 'says-4'), send(page!, 'goes on')]);
      assert.equal(await count('commits_stale_total'), stale);
      const rows = await database.query<{ text: string }>('select text from message where visitor_id = $1 order by ts_us', [
        page!.visitorId,
      ]);
      assert.deepEqual(
        rows.map(row => row.text),
        ['opens', ...Array.from({ length: 5 }, (_, i) => `says ${i}`), 'goes on'],
      );
    });

    test('revisions have no hole while two connections append at once', async () => {
      const writer = async (): Promise<void> => {
        const store = createStore(node.database);
        for (let i = 0; i < 100; i++) {
          const batchId = randomUUID();
          await store.begin(batchId, new KeySet(), false);
          await store.commit(batchId, NOTHING);
        }
        await store.close();
      };
      await Promise.all([writer(), writer(), writer()]);
      const holes = await database.query(
        'select 1 from (select first_revision, lag(last_revision) over (order by last_revision) as before from change_log) l where first_revision <> before + 1',
      );
      assert.equal(holes.length, 0);
    });

    test('another timeline begins another epoch before anything is written', async () => {
      const [page] = await addVisitors(node, 1);
      const before = (await createSnapshots(node.database).load()).revision;
      await database.query("update installation set timeline = 'FFFFFFFF'");
      await send(page!, 'after the fail-over');
      const after = (await createSnapshots(node.database).load()).revision;
      assert.equal(Math.floor(after / 1e12), Math.floor(before / 1e12) + 1);
      await node.feed.reached(after, 5_000);
      assert.equal(node.replica.revision, after);
    });

    test('operators with taken logins are refused by the database too', async () => {
      await addOperators(node, 1, { login: 'taken' });
      await assert.rejects(addOperators(node, 1, { login: 'taken' }), ChatError);
    });

    test('a second node of a living name is refused and told who holds it; a dead one is replaced', async () => {
      const identity = anIdentity({ name: 'twin' });
      const first = createRegistry(node.database, { ...identity, incarnation: randomUUID() });
      const second = createRegistry(node.database, { ...identity, incarnation: randomUUID() });
      await first.register();
      await database.query("update node set pid = $1 where name = 'twin'", [process.ppid]); // another process, and alive
      await assert.rejects(
        second.register(),
        (error: unknown) => error instanceof NodeNameHeld && error.message.includes(`pid ${process.ppid}`),
      );
      await database.query("update node set heartbeat_at = clock_timestamp() - interval '1 minute' where name = 'twin'");
      await second.register();
      const beat = await first.beat({
        state: 'running',
        revision: 0,
        known: { revision: 0, batchId: undefined },
        claims: false,
        stats: NO_STATS,
      });
      assert.notEqual(beat.incarnation, undefined, 'the first finds its name taken over');
      await second.unregister();
      await Promise.all([first.close(), second.close()]);
    });

    test('a schema newer than this binary is refused', async () => {
      await database.query("insert into schema_migration (name, run_on) values ('9999_from_the_future', now())");
      await assert.rejects(migrate(node.database), SchemaTooNew);
      await database.query("delete from schema_migration where name = '9999_from_the_future'");
    });
  });
}
