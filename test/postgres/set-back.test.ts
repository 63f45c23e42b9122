/** What a node knows and the database does not have (any more): nothing is written on it. On a real log. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { KeySet } from '../../src/commit/key-set.ts';
import { readByVisitor } from '../../src/commands/read-chat.ts';
import { sendVisitorMessage } from '../../src/commands/send-visitor-message.ts';
import { EPOCH_SIZE } from '../../src/domain/change.ts';
import { type BatchWrite, type KnownCommit, StoreFailure } from '../../src/ports/index.ts';
import { openEpoch } from '../../src/postgres/installation.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { createStore } from '../../src/postgres/store.ts';
import { type BareNode, startBareNode } from '../support/bare-node.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { addOperators, addVisitors, said, speaking } from '../support/people.ts';
import { aChat, aMessage } from '../support/rows.ts';

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
  changesJson: Buffer.from(JSON.stringify([readByVisitor.name])),
  leaseToken: undefined,
};

describe('a database that was set back', () => {
  let database: TestDatabase;
  let node: BareNode;

  before(async () => {
    database = await createTestDatabase();
    const owner = database.open();
    await migrate(owner);
    await owner.end();
    node = await startBareNode(database);
  });
  after(async () => {
    await node.stop();
    await database.drop();
  });

  interface Logged {
    readonly last: number;
    readonly batch: string;
  }

  const readLog = async (): Promise<Logged[]> =>
    (
      await database.query<{ last: string; batch: string }>(
        'select last_revision as last, batch_id as batch from change_log order by last_revision',
      )
    ).map(({ last, batch }) => ({ last: Number(last), batch }));

  const epochNow = async (): Promise<number> =>
    Number((await database.query<{ epoch: string }>('select epoch from installation'))[0]?.epoch);

  /** What becomes of a batch of a node that knows this commit, on both ways. */
  async function outcomes(known: KnownCommit | undefined): Promise<string[]> {
    const store = createStore(node.database, () => known);
    const told = async (write: () => Promise<unknown>): Promise<string> => {
      try {
        await write();
        return 'written';
      } catch (error) {
        await store.rollback();
        return error instanceof StoreFailure ? error.kind : String(error);
      }
    };
    const underLocks = await told(async () => {
      await store.begin(randomUUID(), new KeySet(), false);
      await store.commit(randomUUID(), NOTHING);
    });
    const guessed = await told(async () => {
      const [now] = await database.query<{ us: string }>('select clock_us() as us');
      const guess = { nowUs: Number(now?.us), revision: (await epochNow()) * EPOCH_SIZE, visitors: [], chats: [], operators: [] };
      await store.commitGuess(randomUUID(), guess, NOTHING);
    });
    await store.close();
    return [underLocks, guessed];
  }

  test('a commit that is there, or that the retention of the log has taken, is no obstacle; one that is not there opens a new epoch', async () => {
    const [page] = await addVisitors(node, 1);
    for (let i = 0; i < 12; i++) await node.run(sendVisitorMessage(said(`message ${i}`), speaking(page!)));
    const log = await readLog();
    await database.query('delete from change_log where last_revision <= $1', [log[3]?.last]);
    const epoch = await epochNow();
    const at = (i: number): Logged => log.at(i) ?? { last: 0, batch: '' };
    const table: [string, KnownCommit | undefined, 'written' | 'epoch'][] = [
      ['nothing is known', undefined, 'written'],
      ['the newest', { revision: at(-1).last, batchId: at(-1).batch }, 'written'],
      ['the newest, of an unknown batch', { revision: at(-1).last, batchId: undefined }, 'written'],
      ['one before it', { revision: at(-3).last, batchId: at(-3).batch }, 'written'],
      ['one that the retention has taken', { revision: at(1).last, batchId: at(1).batch }, 'written'],
      ['the beginning of the epoch', { revision: epoch * EPOCH_SIZE, batchId: undefined }, 'written'],
      ['a later one', { revision: at(-1).last + 1, batchId: undefined }, 'epoch'],
      ['a much later one', { revision: at(-1).last + 1_000_000, batchId: randomUUID() }, 'epoch'],
      ['another one under the number of the newest', { revision: at(-1).last, batchId: randomUUID() }, 'epoch'],
      ['another one under an older number', { revision: at(-4).last, batchId: randomUUID() }, 'epoch'],
      ['one of a later epoch', { revision: (epoch + 1) * EPOCH_SIZE + 5, batchId: randomUUID() }, 'epoch'],
    ];
    for (const [name, known, expected] of table) {
      if (expected === 'written') {
        // Each try appends to the log: what was the newest is not any more.
        assert.deepEqual(await outcomes(known), ['written', 'written'], name);
        continue;
      }
      // Numbers as of now: a later one must be later than what the tries before have written.
      const newest = (await readLog()).at(-1)?.last ?? 0;
      const adjusted =
        known !== undefined && known.revision > at(-1).last ? { ...known, revision: known.revision + newest - at(-1).last } : known;
      assert.deepEqual(await outcomes(adjusted), ['epoch', 'epoch'], name);
      assert.equal(await epochNow(), epoch, 'refusing opens nothing by itself');
    }
  });

  test('whatever is known, and whatever is left of the log: gone is what was in it and is not, and nothing else', async () => {
    const [page] = await addVisitors(node, 1);
    for (let i = 0; i < 10; i++) await node.run(sendVisitorMessage(said(`more ${i}`), speaking(page!)));
    const log = await readLog();
    const newest = log.at(-1)?.last ?? 0;
    const oldest = log[0]?.last ?? 0;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: -3, max: log.length + 3 }), fc.constantFrom('own', 'other', 'unknown'), async (place, batch) => {
        const there = log[place];
        const revision = there?.last ?? (place < 0 ? oldest + place : newest + place - log.length + 1);
        const batchId = batch === 'unknown' ? null : batch === 'own' && there !== undefined ? there.batch : randomUUID();
        const [row] = await database.query<{ gone: boolean }>('select is_gone($1, $2, $3) as gone', [revision, batchId, newest]);
        const expected = place >= log.length || (there !== undefined && batch === 'other');
        assert.equal(row?.gone, expected, `${place} ${batch}`);
      }),
      { numRuns: 100 },
    );
  });

  test('a new epoch is above everything that anybody knows, opened once by however many notice it, and recorded', async () => {
    const epoch = await epochNow();
    const known = { revision: (epoch + 3) * EPOCH_SIZE + 17, batchId: randomUUID() };
    const [chatIdBefore] = await database.query<{ last: string }>('select last_value as last from chat_id');
    const reasons = await Promise.all(Array.from({ length: 5 }, () => openEpoch(node.database, known)));
    assert.deepEqual(
      reasons.filter(reason => reason !== undefined),
      ['set-back'],
    );
    assert.equal(await epochNow(), epoch + 4);
    const [record] = await database.query<{ reason: string; known: string }>(
      'select reason, known_revision as known from epoch_opened order by epoch desc limit 1',
    );
    assert.deepEqual(record, { reason: 'set-back', known: String(known.revision) });
    const [chatIdAfter] = await database.query<{ last: string }>('select last_value as last from chat_id');
    assert.ok(Number(chatIdAfter?.last) > Number(chatIdBefore?.last) + 1_000, 'ids that may have been given out are not given out again');
    await node.feed.catchUp();
    await eventually(() => node.replica.epoch === epoch + 4);
  });

  test('no row is written beside one that is not there: no message under a chat that is gone', async () => {
    const store = createStore(node.database);
    const [page] = await addVisitors(node, 1);
    const [operatorId] = await addOperators(node, 1);
    await node.run(sendVisitorMessage(said('a chat that is there'), speaking(page!)));
    const there = await eventually(() => node.replica.openChatOf(page!.visitorId) ?? false);
    const operator = node.replica.operators.get(operatorId!)!;
    const gone = aChat({ id: 999_999, visitorId: 'nobody', version: 4 });
    const message = aMessage({
      chatId: gone.id,
      visitorId: 'nobody',
      tsUs: 77,
      id: 'homeless',
      sender: 'v:nobody',
      clientSideId: 'homeless',
    });
    const changed = <R>(row: R, more: Partial<R>) => ({ before: row, after: { ...row, ...more } });
    const visitor = { id: 'nobody', fields: {}, verified: [], lastTsUs: 0, clearedUs: 0, lastOperatorId: null, ban: null };
    const department = { key: 'nowhere', id: 9_999, name: 'Nowhere', order: 1, assignmentMode: null, schedule: null };
    const writes: Record<string, Partial<BatchWrite>> = {
      chat: { chats: { created: [], changed: [changed(gone, { subject: 'x', version: 5 })] } },
      'a chat among others': {
        chats: {
          created: [],
          changed: [changed(there, { subject: 'x', version: there.version + 1 }), changed(gone, { subject: 'x', version: 5 })],
        },
      },
      operator: {
        operators: { created: [], changed: [changed({ ...operator, id: 999_999 }, { title: 'x', version: operator.version + 1 })] },
      },
      visitor: { visitors: { created: [], changed: [changed(visitor, { lastTsUs: 5 })] } },
      department: { departments: { created: [], changed: [changed(department, { name: 'x' })] } },
      message: { messages: { created: [], changed: [changed({ ...message, id: 'unsent', tsUs: 78 }, { text: 'edited' })] } },
    };
    for (const [name, write] of Object.entries(writes)) {
      const messages = { created: [message], changed: write.messages?.changed ?? [] };
      await store.begin(randomUUID(), new KeySet(), false);
      await assert.rejects(
        store.commit(randomUUID(), { ...NOTHING, ...write, messages }),
        (error: unknown) => error instanceof StoreFailure && error.kind === 'stale',
        name,
      );
      await store.rollback();
    }
    assert.deepEqual(await database.query("select id from message where id = 'homeless'"), []);
    assert.deepEqual(await database.query('select subject from chat where id = $1', [there.id]), [{ subject: null }]);
    await store.close();
  });
});
