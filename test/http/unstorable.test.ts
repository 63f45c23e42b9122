/**
 * Texts that PostgreSQL cannot store, in every field by which words from outside reach it: what is left of them is stored, and nobody is told
 * to try again.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { departmentAdd, operatorAdd } from '../../src/cli/staff.ts';
import { loadConfig } from '../../src/config/config.ts';
import { Operator } from '../support/operator.ts';
import { type SingleNode, startSingle } from '../support/single.ts';
import { Visitor } from '../support/visitor.ts';

/** In each place another text, so that it can be told where it has come to. */
const SPOILT = (place: string): string => `\u0000${place} nul\u0000 half \ud83d and low \udca9 whole 💬`;
const KEPT = (place: string): string => `${place} nul half \ufffd and low \ufffd whole 💬`;

type Fields = Record<string, unknown>;

interface Row {
  readonly place: string;
  /** What is posted; undefined: to /l/v/m/action or /l/o/action. */
  readonly path?: string;
  readonly who: 'visitor' | 'operator';
  readonly fields: (text: string) => Fields;
  /** Where it is kept; rows of which one must hold the text. */
  readonly kept: string;
}

const operator = (place: string, action: string, fields: Row['fields'], kept: string): Row => ({
  place,
  who: 'operator',
  fields: text => ({ action, ...fields(text) }),
  kept,
});
const visitor = (place: string, action: string, fields: Row['fields'], kept: string): Row => ({
  place,
  who: 'visitor',
  fields: text => ({ action, ...fields(text) }),
  kept,
});

const TEXTS = 'select text as said from message';
const DATA = 'select data::text as said from message';
const ROWS: readonly Row[] = [
  visitor('message', 'chat.message', text => ({ message: text, 'client-side-id': 'm1' }), TEXTS),
  visitor('data', 'chat.message', text => ({ message: 'x', 'client-side-id': 'm2', data: { deep: [{ [text]: text }] } }), DATA),
  visitor('data as text', 'chat.message', text => ({ message: 'x', 'client-side-id': 'm3', data: JSON.stringify({ text }) }), DATA),
  visitor('push token', 'set_push_token', text => ({ 'push-token': text }), 'select push_token as said from page'),
  visitor(
    'rating',
    'chat.operator_rate_select',
    text => ({ rate: '1', visitor_note: text }),
    'select row_to_json(c)::text as said from chat c union select row_to_json(m)::text from message m union select row_to_json(l)::text from change_log l',
  ),
  operator('answer', 'chat.message', text => ({ message: text, clientSideId: 'o1' }), TEXTS),
  operator('note', 'chat.message', text => ({ message: text, clientSideId: 'o2', kind: 'for_operator' }), TEXTS),
  operator('keyboard', 'chat.keyboard', text => ({ message: 'x', clientSideId: 'o3', buttons: [[{ id: '1', text }]] }), DATA),
  operator('subject', 'chat.set_subject', text => ({ category: 'c', subject: text }), 'select subject as said from chat'),
  operator('category', 'chat.set_subject', text => ({ category: text, subject: 's' }), 'select row_to_json(c)::text as said from chat c'),
  {
    place: 'canned answer',
    who: 'operator',
    path: '/l/o/canned-answers',
    fields: text => ({ scope: 'all', shortcut: 's', text }),
    kept: 'select text as said from canned_answer',
  },
  operator('reason of a ban', 'visitor.ban', text => ({ reason: text }), 'select ban::text as said from visitor'),
];

describe('texts that cannot be stored', () => {
  let single: SingleNode;
  let desk: Operator;
  let guest: Visitor;
  let chatId: number;

  before(async () => {
    single = await startSingle({ logins: [] });
    const { config } = loadConfig({ configFile: undefined, flags: {}, env: {}, cwd: single.folder.path });
    await departmentAdd(config, 'sales', { name: 'Sales' });
    await operatorAdd(config, {
      login: 'op',
      fullname: 'Op',
      password: 'correct horse',
      roles: 'operator,supervisor,admin',
      title: `${'t'.repeat(199)}💬`,
    });
    desk = await Operator.login(single.node.url, 'op', 'correct horse');
    await desk.setStatus('online');
    guest = await Visitor.init(single.node.url);
    await guest.send('hello', 'hello');
    chatId = (await single.database.query<{ id: string }>('select id from chat')).map(row => Number(row.id))[0]!;
    await desk.action('chat.take', { chatId: String(chatId) });
    await desk.action('chat.message', { chatId: String(chatId), message: 'yes?', clientSideId: 'yes' });
  });
  after(() => single.stop());

  async function post(path: string, fields: Fields, headers: Record<string, string> = {}): Promise<{ status: number; text: string }> {
    const response = await fetch(`${single.node.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(fields),
    });
    return { status: response.status, text: await response.text() };
  }

  for (const { place, who, path, fields, kept } of ROWS)
    test(`${who}, ${place}: what is left of it is stored`, async () => {
      const said = fields(SPOILT(place));
      const answer =
        who === 'visitor'
          ? await post(path ?? '/l/v/m/action', { ...guest.credentials, ...said })
          : await post(
              path ?? '/l/o/action',
              { chatId, visitorId: guest.page.visitor.id, ...said },
              { authorization: `Bearer ${desk.token}` },
            );
      assert.equal(answer.status, 200, answer.text);
      assert.match(answer.text, /"result":"ok"/);
      const rows = await single.database.query<{ said: string | null }>(kept);
      assert.ok(
        rows.some(row => row.said?.includes(KEPT(place))),
        `${place}: ${JSON.stringify(rows.slice(-3))}`,
      );
    });

  test('the page and the fields of a visitor who comes, and the name of his file', async () => {
    const come = async (fields: Fields): Promise<void> => {
      const query = Object.entries(fields).map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
      const response = await fetch(`${single.node.url}/l/v/m/init?event=init&since=0&${query.join('&')}`);
      const body = (await response.json()) as { fullUpdate?: { pageId: string; authToken: string } };
      assert.ok(response.status === 200 && body.fullUpdate !== undefined, JSON.stringify(body));
      const { pageId, authToken } = body.fullUpdate;
      const credentials = { 'page-id': pageId, 'auth-token': authToken };
      await post('/l/v/m/action', { ...credentials, action: 'chat.message', message: 'from there', 'client-side-id': 'there' });
      const form = new FormData();
      for (const [key, value] of Object.entries({ 'client-side-id': 'f1', ...credentials })) form.set(key, value);
      form.set('webim_upload_file', new Blob(['words'], { type: 'text/plain' }), 'a\u0000b\ud83d.txt');
      const uploaded = await (await fetch(`${single.node.url}/l/v/m/upload`, { method: 'POST', body: form })).text();
      assert.match(uploaded, /"result":"ok"/);
    };
    const nul = (place: string): string => `${place} n\u0000ul`;
    await come({
      platform: 'android',
      ...Object.fromEntries(['location', 'title', 'url', 'device-id', 'push-token'].map(name => [name, nul(name)])),
      'prechat-key-independent-fields': JSON.stringify({ comment: SPOILT('comment') }),
    });
    const [page] = await single.database.query<{ said: string }>(
      "select row_to_json(p)::text || v.fields::text as said from page p join visitor v on v.id = p.visitor_id where p.location = 'location nul'",
    );
    for (const name of ['title', 'url', 'device-id', 'push-token']) assert.ok(page?.said.includes(`${name} nul`), `${name}: ${page?.said}`);
    assert.ok(page?.said.includes(KEPT('comment')), page?.said);
    const files = await single.database.query<{ filename: string }>('select filename from file');
    assert.deepEqual(
      files.map(({ filename }) => filename.isWellFormed()),
      [true],
    );
  });

  test('what was cut at the command line is no half of a character', async () => {
    const [row] = await single.database.query<{ title: string }>('select title from operator');
    assert.equal(row?.title, 't'.repeat(199));
  });

  test('nobody was told to try again, and nothing was taken for a bug', () => {
    for (const event of ['bug', 'command-failed', 'internal-error']) assert.deepEqual(single.node.events(event), []);
  });
});
