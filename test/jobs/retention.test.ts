/** What nobody can ask for any more is deleted, what somebody can is not, and only by who leads. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { closeChatByVisitor } from '../../src/commands/leave-chat.ts';
import { sendVisitorMessage } from '../../src/commands/send-visitor-message.ts';
import type { Page } from '../../src/domain/visitor.ts';
import { type RetentionStore, StoreFailure } from '../../src/ports/index.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { createRetention } from '../../src/postgres/retention.ts';
import { type BareNode, startBareNode } from '../support/bare-node.ts';
import { Cleanup } from '../support/cleanup.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { addVisitors, said, speaking } from '../support/people.ts';

describe('retention', () => {
  const cleanup = new Cleanup();
  let database: TestDatabase;
  let node: BareNode;
  let store: RetentionStore;
  let pages: Page[];
  const token = 7;

  before(async () => {
    database = cleanup.add(await createTestDatabase(), it => it.drop());
    const opened = database.open();
    await migrate(opened);
    await opened.end();
    node = cleanup.add(await startBareNode(database), it => it.stop());
    store = createRetention(node.database, { logHours: 1, assignmentDays: 1, messageDays: 30 });
    await database.query(`update lease set holder = 'x', token = ${token}, expires_at = clock_timestamp() + interval '1 hour'`);
    pages = await addVisitors(node, 4);
    for (const [i, page] of pages.entries()) await node.run(sendVisitorMessage(said(`text ${i}`), speaking(page)));
    for (const page of pages.slice(0, 3)) await node.run(closeChatByVisitor(page.visitorId));
  });

  after(() => cleanup.run());

  const count = async (table: string): Promise<number> =>
    (await database.query<{ count: number }>(`select count(*)::int as count from ${table}`))[0]?.count ?? 0;
  const deleted = async (kind: string): Promise<number> => (await store.deleteSome(kind, token)).deleted;

  test('nothing of today is deleted', async () => {
    for (const kind of store.kinds) assert.equal(await deleted(kind), 0, kind);
  });

  test('closed chats go after their time with messages, files and history; open ones and their visitors stay', async () => {
    const [first, , , open] = pages;
    await database.query(
      `insert into file (guid, visitor_id, sender, client_side_id, filename, content_type, client_content_type, size)
       select 'f' || m.id, m.visitor_id, m.sender, m.client_side_id, 'a', 'b', 'c', 1 from message m`,
    );
    await database.query('update chat set modified_us = modified_us - 31 * 86400000000::bigint where visitor_id in ($1, $2)', [
      first!.visitorId,
      open!.visitorId,
    ]);
    await database.query("insert into searched_chat select id, 1, 'text' from chat where visitor_id = $1", [first!.visitorId]);
    assert.equal(await deleted('chats'), 1);
    assert.equal(await count('searched_chat'), 0);
    assert.deepEqual([await count('chat'), await count('message'), await count('file'), await count('visitor')], [3, 3, 3, 4]);
    assert.equal(await count(`chat_history where chat_id not in (select id from chat)`), 0);
  });

  test('the change log is pruned behind its time, never its newest row, and revisions go on', async () => {
    const before = node.replica.revision;
    await database.query("update change_log set committed_at = committed_at - interval '2 hours'");
    assert.equal(await deleted('changes'), 6);
    assert.equal(await count('change_log'), 1);
    await node.run(sendVisitorMessage(said('and on'), speaking(pages[3]!)));
    assert.equal(node.replica.revision, before + 1);
  });

  test('records of assignments, pages, visits, unsent files, tokens, logins and connections go in their time', async () => {
    await database.query("update chat_history set record = '[]', at_us = at_us - 2 * 86400000000::bigint");
    assert.ok((await deleted('records')) > 0, 'records');
    assert.equal(await count('chat_history where record is not null'), 0);
    await database.query("update page set seen_at = seen_at - interval '9 days' where id = $1", [pages[0]!.id]);
    assert.equal(await deleted('pages'), 1);
    await database.query("update visit_session set created_at = created_at - interval '9 days'");
    assert.equal(await deleted('visit-sessions'), 1, 'only the one without a page');
    await database.query(
      `insert into file (guid, visitor_id, sender, client_side_id, filename, content_type, client_content_type, size, created_at)
       values ('unsent', 'v', 'v:v', 'x', 'a', 'b', 'c', 1, clock_timestamp() - interval '2 days')`,
    );
    assert.equal(await deleted('unsent-files'), 1);
    await database.query("insert into provided_token values ('t', '{}', clock_timestamp() - interval '31 days')");
    assert.equal(await deleted('provided-tokens'), 1);
    await database.query("insert into operator_session values ('h', 1, clock_timestamp(), clock_timestamp() - interval '2 days')");
    assert.equal(await deleted('operator-sessions'), 1);
    await database.query(
      "insert into operator_presence values (1, gen_random_uuid(), clock_timestamp() - interval '2 days'), (1, gen_random_uuid(), null)",
    );
    assert.equal(await deleted('presence'), 1);
  });

  test('visitors who never chatted go when their last page has gone, and nobody else', async () => {
    const [, chats] = pages;
    const kinds = ['gone', 'young', 'has-page', 'has-file', 'signed-in', 'banned', 'chatted'];
    const ids = new Map(kinds.map((kind, i) => [kind, String(i).repeat(32)]));
    for (const id of ids.values())
      await database.query(
        `insert into visitor (id, fields, last_ts_us, created_at) values ($1, '{"name": "x"}', 0, clock_timestamp() - interval '9 days')`,
        [id],
      );
    await database.query('update visitor set created_at = clock_timestamp() where id = $1', [ids.get('young')]);
    await database.query('update page set visitor_id = $1 where id = $2', [ids.get('has-page'), pages[1]!.id]);
    await database.query(
      `insert into file (guid, visitor_id, sender, client_side_id, filename, content_type, client_content_type, size)
       values ('kept', $1, 'v:x', 'y', 'a', 'b', 'c', 1)`,
      [ids.get('has-file')],
    );
    await database.query(`update visitor set fields = '{"id": "42"}' where id = $1`, [ids.get('signed-in')]);
    await database.query(`update visitor set ban = '{}' where id = $1`, [ids.get('banned')]);
    await database.query('update chat set visitor_id = $1 where visitor_id = $2 and state like $3', [
      ids.get('chatted'),
      chats!.visitorId,
      'closed%',
    ]);
    assert.equal(await deleted('visitors'), 1);
    const left = await database.query<{ id: string }>('select id from visitor where id = any($1) order by id', [[...ids.values()]]);
    assert.deepEqual(
      left.map(({ id }) => id),
      kinds.slice(1).map(kind => ids.get(kind)),
    );
  });

  test('a former master deletes nothing', async () => {
    for (const kind of store.kinds) {
      await assert.rejects(store.deleteSome(kind, token - 1), (error: unknown) => error instanceof StoreFailure && error.kind === 'fenced');
    }
  });
});
