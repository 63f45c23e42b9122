/**
 * Answers are cut by bytes in the database: whatever sizes the messages have, who pages through gets each once, in order, and no
 * page is larger than it may be. On both forms of history, the messages that come with a chat, and searches.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { sendVisitorMessage } from '../../src/commands/send-visitor-message.ts';
import { CHAT_BYTES, PAGE_BYTES } from '../../src/domain/answer-bytes.ts';
import { type Message, messageId } from '../../src/domain/message.ts';
import type { StoredMessage } from '../../src/ports/index.ts';
import { createBans } from '../../src/postgres/histories.ts';
import { createMessageSearch } from '../../src/postgres/message-search.ts';
import { createMessages } from '../../src/postgres/messages.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { MESSAGES } from '../../src/postgres/tables.ts';
import { visitorMessage } from '../../src/protocol/visitor-objects.ts';
import { type BareNode, startBareNode } from '../support/bare-node.ts';
import { Cleanup } from '../support/cleanup.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { addVisitors, newNonce, said, speaking } from '../support/people.ts';
import { aMessage } from '../support/rows.ts';

/** What a page may be above its bound: fields of the answer that no row has. */
const SLACK = 1.25;
const LIMIT = 100;

/** How large, of which letters: escapes take six times as much as JSON. */
const size = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 1, max: 200 }) },
  { weight: 5, arbitrary: fc.integer({ min: 20_000, max: 32_000 }) },
);
const letter = fc.constantFrom('x', 'я', '漢', '"', '\u0001');
const aText = fc.tuple(size, letter).map(([length, it]) => it.repeat(length));
const seldom = fc.integer({ min: 0, max: 9 }).map(number => number === 7);
const one = fc.record({ text: aText, isHidden: seldom, isChanged: fc.boolean(), isDeleted: seldom, hasData: fc.boolean() });
const someMessages = fc.oneof(
  fc.array(one, { minLength: 1, maxLength: 30, size: 'max' }),
  fc.array(one, { minLength: 100, maxLength: 130, size: 'max' }),
);

describe('pages of messages', () => {
  const cleanup = new Cleanup();
  let database: TestDatabase;
  let node: BareNode;

  before(async () => {
    database = cleanup.add(await createTestDatabase(), it => it.drop());
    const opened = database.open();
    await migrate(opened);
    await opened.end();
    node = cleanup.add(await startBareNode(database), it => it.stop());
  });

  after(() => cleanup.run());

  /** A visitor with these messages in one chat; the first one opened it. */
  async function chatOf(list: readonly { text: string; isHidden: boolean; isChanged: boolean; isDeleted: boolean; hasData: boolean }[]) {
    const [page] = await addVisitors(node, 1);
    assert.ok(page !== undefined);
    const first = await node.run(sendVisitorMessage(said('the first one'), speaking(page)));
    const chat = node.replica.openChatOf(page.visitorId);
    assert.ok(chat !== undefined);
    let lastUs = first.tsUs + list.length;
    const messages = list.map(({ text, isHidden, isChanged, isDeleted, hasData }, i): Message => {
      const tsUs = first.tsUs + 1 + i;
      const kind = isHidden ? ('for_operator' as const) : ('visitor' as const);
      return aMessage({
        ...{ id: messageId(tsUs, newNonce()), chatId: chat.id, visitorId: page.visitorId, sender: `v:${page.visitorId}`, kind },
        ...{ clientSideId: newNonce(), text: isDeleted ? '' : text.replaceAll('\u0000', ''), deleted: isDeleted, tsUs },
        changedUs: isChanged || isDeleted ? ++lastUs : tsUs,
        data: hasData ? { note: 'n'.repeat(3_000) } : null,
      });
    });
    for (const { text, values } of MESSAGES.insert(messages)) await database.query(text, [...values]);
    await database.query('update chat set last_ts_us = $2, message_count = $3 where id = $1', [chat.id, lastUs, messages.length + 1]);
    return { visitorId: page.visitorId, chatId: chat.id, firstUs: first.tsUs, lastUs, messages };
  }

  const bytesOf = (messages: readonly StoredMessage[]): number =>
    Buffer.byteLength(JSON.stringify(messages.map(message => visitorMessage(message, message.read))));

  function checkPage(messages: readonly StoredMessage[], bound: number): void {
    assert.ok(messages.length <= LIMIT);
    if (messages.length > 1) assert.ok(bytesOf(messages) <= bound * SLACK, `${bytesOf(messages)} bytes in ${messages.length} messages`);
    const times = messages.map(({ tsUs }) => tsUs);
    assert.deepEqual(
      times,
      [...times].sort((a, b) => a - b),
      'oldest first',
    );
  }

  test('paging through with any sizes gives every message exactly once, in order, each page within its bytes', async () => {
    const store = createMessages(node.database);
    let cuts = 0;
    await fc.assert(
      fc.asyncProperty(someMessages, async list => {
        const { visitorId, chatId, firstUs, lastUs, messages } = await chatOf(list);
        const query = { visitorId, limit: LIMIT, includeHidden: false };
        const shown = messages.filter(({ kind }) => kind === 'visitor');

        // As an SDK begins: the newest, then backwards.
        let page = await store.listHistory(query);
        assert.equal(page.revisionUs, lastUs, 'all that is newer is known with it');
        let got = [...page.messages];
        checkPage(page.messages, PAGE_BYTES);
        while (page.hasMore) {
          if (page.messages.length < LIMIT) cuts += 1;
          page = await store.listHistory({ ...query, beforeUs: page.messages[0]?.tsUs ?? 0 });
          checkPage(page.messages, PAGE_BYTES);
          assert.ok(page.messages.length > 0, 'there is more, and it comes');
          got = [...page.messages, ...got];
        }
        const living = [firstUs, ...shown.filter(({ deleted }) => !deleted).map(({ tsUs }) => tsUs)];
        assert.deepEqual(
          got.map(({ tsUs }) => tsUs),
          living,
        );

        // As it goes on: forwards, by the revision of the page before.
        const changes: number[] = [];
        let sinceUs = 0;
        for (let more = true; more; ) {
          const next = await store.listHistory({ ...query, sinceUs });
          checkPage(next.messages, PAGE_BYTES);
          changes.push(...next.messages.map(({ changedUs }) => changedUs).sort((a, b) => a - b));
          assert.equal(next.revisionUs, changes.at(-1) ?? sinceUs, 'the last change that was handed out');
          if (next.messages.length === 0) assert.equal(next.hasMore, false);
          sinceUs = next.revisionUs;
          more = next.hasMore;
        }
        const changed = [firstUs, ...shown.map(({ changedUs }) => changedUs)].sort((a, b) => a - b);
        assert.deepEqual(changes, changed, 'each change once, in order');

        // What comes with the chat: the newest ones, without a hole, at least one.
        const wanted = { chatId, visitorId, upToUs: lastUs, limit: 50 };
        const withChat = await store.listOfChat({ ...wanted, bytes: CHAT_BYTES });
        checkPage(withChat, CHAT_BYTES);
        const all = [firstUs, ...messages.map(({ tsUs }) => tsUs)];
        assert.ok(withChat.length > 0);
        assert.deepEqual(
          withChat.map(({ tsUs }) => tsUs),
          all.slice(-withChat.length),
        );
        assert.equal((await store.listOfChat({ ...wanted, bytes: 1 })).length, 1, 'one comes whatever its size');
      }),
      { numRuns: 16 },
    );
    assert.ok(cuts >= 5, `pages were cut by their bytes, ${cuts} times`);
  });

  test('a search is cut like a page, and goes on behind it', async () => {
    const search = createMessageSearch(node.database);
    const large = { isHidden: false, isChanged: false, isDeleted: false, hasData: false };
    const { visitorId, messages } = await chatOf(
      Array.from({ length: 60 }, (_, i) => ({ ...large, text: `find ${i} ${'x'.repeat(30_000)}` })),
    );
    const found: number[] = [];
    let pages = 0;
    for (let more = true; more; pages++) {
      const page = await search.find({ visitorId, text: 'FIND', beforeUs: found.at(-1), limit: LIMIT });
      assert.ok(bytesOf(page.rows) <= PAGE_BYTES * SLACK);
      found.push(...page.rows.map(({ tsUs }) => tsUs));
      more = page.hasMore;
    }
    assert.deepEqual(found, messages.map(({ tsUs }) => tsUs).reverse(), 'newest first, each once');
    assert.ok(pages > 1);
  });

  test('bans are listed in pages too, each once', async () => {
    const visitors = await addVisitors(node, 30);
    for (const [i, { visitorId }] of visitors.entries()) {
      await database.query('update visitor set ban = $2, fields = $3 where id = $1', [
        visitorId,
        { untilUs: null, reason: 'spam', by: 1, atUs: 1_000 + Math.floor(i / 2) },
        { info: 'x'.repeat(100_000) },
      ]);
    }
    const bans = createBans(node.database);
    const listed: string[] = [];
    let last: { atUs: number; visitorId: string } | undefined;
    for (let more = true; more; ) {
      const page = await bans.list(undefined, 1_000, last);
      assert.ok(Buffer.byteLength(JSON.stringify(page.rows)) <= PAGE_BYTES * SLACK);
      listed.push(...page.rows.map(({ visitorId }) => visitorId));
      const end = page.rows.at(-1);
      last = end === undefined ? undefined : { atUs: end.ban.atUs, visitorId: end.visitorId };
      more = page.hasMore;
    }
    assert.deepEqual([...listed].sort(), visitors.map(({ visitorId }) => visitorId).sort());
  });
});
