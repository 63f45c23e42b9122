/** What was said in ended chats is found by an index that the master fills, and by reading it all where there is none. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { closeChatByVisitor } from '../../src/commands/leave-chat.ts';
import { sendVisitorMessage } from '../../src/commands/send-visitor-message.ts';
import type { Page } from '../../src/domain/visitor.ts';
import { SearchIndex } from '../../src/jobs/search-index.ts';
import { createMetrics } from '../../src/system/metrics.ts';
import { StoreFailure, type SearchIndex as SearchIndexStore } from '../../src/ports/index.ts';
import { createChatSearch } from '../../src/postgres/chat-search.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { createSearchIndex, mayContain } from '../../src/postgres/search-index.ts';
import { type BareNode, startBareNode } from '../support/bare-node.ts';
import { Cleanup } from '../support/cleanup.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { addVisitors, said, speaking } from '../support/people.ts';
import { keptLog } from '../support/silent.ts';

const TOKEN = 7;

describe('the index of what was said', () => {
  const cleanup = new Cleanup();
  let database: TestDatabase;
  let node: BareNode;
  let index: SearchIndexStore;

  before(async () => {
    database = cleanup.add(await createTestDatabase(), it => it.drop());
    const opened = database.open();
    await migrate(opened);
    await opened.end();
    node = cleanup.add(await startBareNode(database), it => it.stop());
    index = createSearchIndex(node.database);
    await database.query(`update lease set holder = 'x', token = ${TOKEN}, expires_at = clock_timestamp() + interval '1 hour'`);
  });

  after(() => cleanup.run());

  const say = async (page: Page, text: string): Promise<void> => {
    await node.run(sendVisitorMessage(said(text), speaking(page)));
  };
  const close = async (page: Page): Promise<void> => {
    await node.run(closeChatByVisitor(page.visitorId));
  };
  const visitorsOf = async (text: string): Promise<string[]> => {
    const found = await createChatSearch(node.database, node.database).find({ text, limit: 200, readableBy: undefined });
    return found.rows.map(({ visitorId }) => visitorId).sort();
  };
  const readAll = async (): Promise<number> => {
    let chats = 0;
    for (let complete = false; !complete; ) {
      const read = await index.readSome(TOKEN);
      chats += read.chats;
      ({ complete } = read);
    }
    return chats;
  };

  test('chats from before are read in steps, and meanwhile found by reading', async () => {
    const pages = await addVisitors(node, 5);
    for (const [i, page] of pages.entries()) await say(page, `older word ${i}`);
    for (const page of pages) await close(page);
    // As a migration finds them.
    await database.query(`update search_progress set older_than = (select max(id) + 1 from chat), read_to_us = read_to_us + 3600000000`);
    assert.equal(await index.state(), 'not-indexed');
    assert.equal((await visitorsOf('OLDER word')).length, 5);
    assert.equal(await index.prepare(), undefined);
    assert.equal(await index.state(), 'reading');
    assert.equal((await visitorsOf('OLDER word')).length, 5);
    assert.equal(await readAll(), 5);
    assert.equal(await index.state(), 'indexed');
    assert.equal((await visitorsOf('OLDER word')).length, 5);
    assert.equal(await readAll(), 0, 'nothing is read twice');
    await database.query('update search_progress set read_to_us = (select max(at_us) from chat_history)');
  });

  test('whatever was said in chats that are open, ended, or go on again, is found at every moment', async () => {
    const word = fc.constantFrom('Straße', 'ПРИВЕТ', '100%', 'a_b', '\\', '你好世界', 'o’clock', 'x', 'two words', '😀😀😀');
    const step = fc.oneof(
      fc.record({ visitor: fc.nat(3), say: fc.tuple(word, word).map(words => words.join(' ')) }),
      fc.record({ visitor: fc.nat(3), close: fc.constant(true) }),
      fc.constant('read' as const),
    );
    const pages = await addVisitors(node, 4);
    const texts = new Map<string, string[]>(pages.map(({ visitorId }) => [visitorId, []]));
    const isOpen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 20 }), word, async (steps, wanted) => {
        for (const one of steps) {
          if (one === 'read') {
            await readAll();
            continue;
          }
          const page = pages[one.visitor]!;
          if ('say' in one) {
            await say(page, one.say);
            texts.get(page.visitorId)?.push(one.say);
            isOpen.add(page.visitorId);
          } else if (isOpen.delete(page.visitorId)) await close(page);
        }
        const expected = [...texts].filter(([, said]) => said.some(text => text.toLowerCase().includes(wanted.toLowerCase())));
        assert.deepEqual([...new Set(await visitorsOf(wanted))], expected.map(([visitorId]) => visitorId).sort(), wanted);
      }),
      { numRuns: 12 },
    );
  });

  test('the index alone says where to look, once all is read', async () => {
    const [page] = await addVisitors(node, 1);
    await say(page!, 'an unmistakable xylophone');
    await close(page!);
    await readAll();
    const candidates = async (): Promise<number> => {
      const condition = mayContain('$1');
      const rows = await database.query<{ count: number }>(`select count(*)::int as count from chat where ${condition}`, ['unmistakable']);
      return rows[0]?.count ?? 0;
    };
    const before = await candidates();
    // As if the last step of a chat lay long behind.
    await database.query('update search_progress set read_to_us = read_to_us + 3600000000');
    assert.ok(before > 1, 'what has just ended is looked at itself');
    const open = (await database.query(`select from chat where state in ('queue', 'chatting')`)).length;
    assert.equal((await candidates()) - open, 1);
    await database.query(`update searched_chat set text = null where chat_id = (select max(chat_id) from searched_chat)`);
    assert.equal((await candidates()) - open, 1, 'what is too long to be kept is looked at itself');
    await database.query('update search_progress set read_to_us = read_to_us - 3600000000');
  });

  test('a former master writes nothing', async () => {
    await assert.rejects(index.readSome(TOKEN - 1), (error: unknown) => error instanceof StoreFailure && error.kind === 'fenced');
  });

  test('a database that has no such index is said once, and asked again', async () => {
    const log = keptLog();
    let nowMs = 0;
    let asked = 0;
    const job = new SearchIndex({
      store: { ...index, prepare: async () => (++asked < 3 ? 'extension "pg_trgm" is not available' : undefined) },
      leaseToken: () => TOKEN,
      nowUs: () => 0,
      clock: { nowMs: () => nowMs },
      log,
      metrics: createMetrics(),
    });
    job.start();
    cleanup.add(job, it => it.stop());
    const wakeUntil = (count: number): Promise<unknown> =>
      eventually(() => {
        nowMs += 3_600_001;
        job.wake();
        return asked >= count;
      });
    await wakeUntil(3);
    const lines = log.entries.filter(({ event }) => event === 'search-not-indexed');
    assert.equal(lines.length, 1);
    assert.match(JSON.stringify(lines), /pg_trgm.*create extension/s);
  });
});
