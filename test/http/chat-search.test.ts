/** Operators find chats of any age, and see what is known of a visitor: what they may read, and nothing else. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { Operator } from '../support/operator.ts';
import { chatServer } from '../support/process.ts';
import { type SingleNode, startSingle } from '../support/single.ts';
import { Visitor } from '../support/visitor.ts';

interface Found {
  readonly chats: { readonly id: number; readonly state: string; readonly lastMessage: { readonly text: string } | null }[];
  readonly cursor: string | null;
}

describe('chats of any age', () => {
  let single: SingleNode;
  let admin: Operator;
  let seller: Operator;
  const chatIds: number[] = [];
  const visitors: Visitor[] = [];

  before(async () => {
    single = await startSingle({ logins: [] });
    const run = async (...args: string[]): Promise<void> => {
      const done = await chatServer(args, { cwd: single.folder.path });
      assert.equal(done.code, 0, done.stderr);
    };
    for (const key of ['sales', 'support']) await run('department', 'add', '--key', key, '--name', key);
    const add = (login: string, ...more: string[]) =>
      run('operator', 'add', '--login', login, '--fullname', login, '--password', 'correct horse', ...more);
    await add('admin', '--roles', 'operator,admin', '--max_chats', '100');
    await add('seller', '--departments', 'sales');
    admin = await Operator.login(single.node.url, 'admin', 'correct horse');
    seller = await Operator.login(single.node.url, 'seller', 'correct horse');
    for (const [i, department] of ['sales', 'support', 'sales', 'support', 'sales'].entries()) {
      const visitor = await Visitor.init(single.node.url, { title: `Page ${i}`, url: `https://shop.example.org/${i}` });
      await visitor.action('chat.start', { 'client-side-id': `c${i}`, 'department-key': department });
      await visitor.send(`ПРИВЕТ number ${i}, 100%`, `m${i}`);
      const found = await eventually(async () => (await find(admin, { visitorId: visitor.page.visitor.id })).chats[0] ?? false);
      chatIds.push(found.id);
      visitors.push(visitor);
    }
    await admin.action('chat.take', { chatId: String(chatIds[0]) });
    await admin.action('chat.close', { chatId: String(chatIds[0]) });
  });

  after(() => single.stop());

  async function find(operator: Operator, query: Record<string, string>): Promise<Found> {
    const answer = await operator.get(`/l/o/chats?${new URLSearchParams(query).toString()}`);
    assert.equal(answer.result, 'ok', JSON.stringify(answer));
    return answer.data as unknown as Found;
  }
  const ids = ({ chats }: Found): number[] => chats.map(({ id }) => id);

  test('are found newest first, page by page, closed ones too', async () => {
    const seen: number[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: Found = await find(admin, cursor === '' ? { limit: '2' } : { limit: '2', cursor });
      seen.push(...ids(page));
      cursor = page.cursor;
    }
    assert.deepEqual(seen, [...chatIds].reverse());
  });

  test('are found by state, operator, department, time, and by what was said in them, in whatever case', async () => {
    assert.deepEqual(ids(await find(admin, { state: 'closed_by_operator,closed_by_visitor' })), [chatIds[0]]);
    assert.deepEqual(ids(await find(admin, { departmentKey: 'support' })), [chatIds[3], chatIds[1]]);
    const { data } = (await admin.get('/l/o/me')) as unknown as { data: { id: number } };
    assert.deepEqual(ids(await find(admin, { operatorId: String(data.id) })), [chatIds[0]]);
    assert.deepEqual(ids(await find(admin, { query: 'привет NUMBER 3' })), [chatIds[3]]);
    assert.deepEqual(ids(await find(admin, { query: '100%' })).length, 5);
    assert.deepEqual(ids(await find(admin, { query: '10_%' })), [], 'signs of patterns are letters like others');
    assert.deepEqual(ids(await find(admin, { to: '1000000000' })), []);
    assert.equal((await find(admin, { from: '1000000000' })).chats[0]?.lastMessage?.text, 'ПРИВЕТ number 4, 100%');
    assert.equal((await admin.get('/l/o/chats?state=asleep')).status, 400);
  });

  test('are those that he may read', async () => {
    assert.deepEqual(ids(await find(seller, {})), [chatIds[4], chatIds[2], chatIds[0]]);
    assert.deepEqual(ids(await find(seller, { departmentKey: 'support' })), []);
  });

  test('a visitor’s card has his fields, visits and chats', async () => {
    const visitor = visitors[1]!;
    const card = async (operator: Operator) =>
      (await operator.get(`/l/o/visitor?id=${visitor.page.visitor.id}`)).data as unknown as {
        visits: { url: string; title: string; pages: number; fromTs: number }[];
        chats: { id: number }[];
        ban: unknown;
      };
    const known = await card(admin);
    assert.deepEqual([known.visits[0]?.url, known.visits[0]?.title, known.visits[0]?.pages], ['https://shop.example.org/1', 'Page 1', 1]);
    assert.deepEqual(
      known.chats.map(({ id }) => id),
      [chatIds[1]],
    );
    assert.equal(known.ban, null);
    const refused = await seller.get(`/l/o/visitor?id=${visitor.page.visitor.id}`);
    assert.deepEqual([refused.status, refused.error], [403, 'not-allowed'], 'all chats are of another department');
    assert.equal((await admin.get('/l/o/visitor?id=nobody')).status, 404);
  });
});
