/**
 * Every endpoint with missing, wrong-typed, oversized, unknown and undecodable parameters: a documented error that names
 * the parameter, nothing changed, and what others send at the same time unharmed.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { Operator } from '../support/operator.ts';
import { chatServer, Folder, type NodeProcess, startNodeProcess } from '../support/process.ts';
import { Visitor } from '../support/visitor.ts';

type Kind = 'text' | 'id' | 'integer' | 'boolean' | 'json' | 'since';

interface Endpoint {
  readonly who: 'visitor' | 'operator' | 'nobody';
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly fixed?: Record<string, string>;
  /** Parameters with their kind and a value that would be accepted. */
  readonly parameters: Record<string, readonly [Kind, string]>;
  readonly required?: readonly string[];
}

const action = (
  who: 'visitor' | 'operator',
  name: string,
  parameters: Endpoint['parameters'],
  required = Object.keys(parameters),
): Endpoint => ({
  who,
  method: 'POST',
  path: who === 'visitor' ? '/l/v/m/action' : '/l/o/action',
  fixed: { action: name },
  parameters,
  required,
});

const ENDPOINTS: readonly Endpoint[] = [
  {
    who: 'nobody',
    method: 'GET',
    path: '/l/v/m/init',
    parameters: {
      location: ['text', 'x'],
      title: ['text', 'x'],
      platform: ['text', 'x'],
      'device-id': ['text', 'x'],
      visitor: ['json', '{}'],
      'visit-session-id': ['text', 'x'],
      'push-token': ['text', 'x'],
    },
  },
  { who: 'visitor', method: 'GET', path: '/l/v/m/delta', parameters: { since: ['since', '1'] } },
  { who: 'visitor', method: 'GET', path: '/l/v/m/history', parameters: { since: ['integer', '1'], 'before-ts': ['integer', '1'] } },
  action('visitor', 'chat.start', { 'client-side-id': ['id', 'x'], 'department-key': ['text', 'x'], 'first-question': ['text', 'x'] }, [
    'client-side-id',
  ]),
  action(
    'visitor',
    'chat.message',
    { message: ['text', 'x'], 'client-side-id': ['id', 'x'], data: ['json', '{}'], kind: ['text', 'visitor'] },
    ['message', 'client-side-id'],
  ),
  action(
    'visitor',
    'chat.visitor_typing',
    { typing: ['boolean', 'true'], 'message-draft': ['text', 'x'], 'del-message-draft': ['boolean', 'true'] },
    ['typing'],
  ),
  action('visitor', 'set_push_token', { 'push-token': ['text', 'x'] }),
  {
    who: 'nobody',
    method: 'POST',
    path: '/l/o/login',
    parameters: { login: ['text', 'x'], password: ['text', 'x'] },
    required: ['login', 'password'],
  },
  { who: 'operator', method: 'POST', path: '/l/o/set-status', parameters: { status: ['text', 'x'] }, required: ['status'] },
  { who: 'operator', method: 'GET', path: '/l/o/delta', parameters: { since: ['since', '1'] } },
  {
    who: 'operator',
    method: 'GET',
    path: '/l/o/history',
    parameters: { chatId: ['integer', '1'], 'before-ts': ['integer', '1'], limit: ['integer', '1'] },
    required: ['chatId'],
  },
  action('operator', 'chat.take', { chatId: ['integer', '999999'], override: ['boolean', 'true'] }, ['chatId']),
  action(
    'operator',
    'chat.message',
    { chatId: ['integer', '999999'], message: ['text', 'x'], clientSideId: ['id', 'x'], kind: ['text', 'operator'], data: ['json', '{}'] },
    ['chatId', 'message', 'clientSideId'],
  ),
  action('operator', 'chat.typing', { chatId: ['integer', '999999'], typing: ['boolean', 'true'] }),
  action('operator', 'chat.read', { chatId: ['integer', '999999'] }),
  action('operator', 'chat.close', { chatId: ['integer', '999999'] }),
  action('operator', 'chat.release', { chatId: ['integer', '999999'] }),
  action(
    'operator',
    'chat.transfer',
    { chatId: ['integer', '999999'], operatorId: ['integer', '1'], note: ['text', 'x'], override: ['boolean', 'true'] },
    ['chatId', 'operatorId'],
  ),
  action('operator', 'chat.transfer', { chatId: ['integer', '999999'], departmentKey: ['id', 'x'] }, ['chatId']),
  action('operator', 'chat.start', { visitorId: ['id', 'x'], message: ['text', 'x'] }, ['visitorId']),
  action('operator', 'chat.set_subject', { chatId: ['integer', '999999'], category: ['text', 'x'], subject: ['text', 'x'] }, ['chatId']),
  action('operator', 'visitor.ban', { visitorId: ['id', 'x'], reason: ['text', 'x'], until: ['integer', '8000000000'] }, ['visitorId']),
  action('operator', 'visitor.unban', { visitorId: ['id', 'x'] }),
  action('operator', 'operator.set_status', { operatorId: ['integer', '999999'], status: ['text', 'online'] }),
  {
    who: 'operator',
    method: 'GET',
    path: '/l/o/chats',
    parameters: {
      query: ['text', 'x'],
      state: ['text', 'queue'],
      operatorId: ['integer', '1'],
      departmentKey: ['id', 'x'],
      visitorId: ['id', 'x'],
      from: ['integer', '1'],
      to: ['integer', '1'],
      cursor: ['integer', '1'],
      limit: ['integer', '1'],
    },
  },
  { who: 'operator', method: 'GET', path: '/l/o/visitor', parameters: { id: ['id', 'x'] }, required: ['id'] },
  { who: 'operator', method: 'GET', path: '/l/o/assignments', parameters: { chatId: ['integer', '1'] }, required: ['chatId'] },
  {
    who: 'operator',
    method: 'GET',
    path: '/l/o/canned-answers',
    parameters: { query: ['text', 'x'], lang: ['text', 'x'], departmentKey: ['text', 'x'] },
  },
  {
    who: 'operator',
    method: 'POST',
    path: '/l/o/canned-answers',
    parameters: { id: ['integer', '1'], scope: ['text', 'own'], lang: ['text', 'x'], shortcut: ['text', 'x'], text: ['text', 'x'] },
    required: ['scope', 'shortcut', 'text'],
  },
  { who: 'operator', method: 'POST', path: '/l/o/canned-answers/remove', parameters: { id: ['integer', '1'] }, required: ['id'] },
  {
    who: 'operator',
    method: 'POST',
    path: '/l/o/password',
    parameters: { oldPassword: ['text', 'x'], newPassword: ['text', 'long enough'] },
    required: ['oldPassword', 'newPassword'],
  },
];

/** Raw percent-encoded values, so that also bytes that are no text can be sent. */
const HOSTILE: Record<Kind, readonly string[]> = {
  text: ['%FF%FE', '%ED%A0%80', '%C3%28', 'x'.repeat(200_000)],
  id: ['%00', '%FF', 'a%20b', '%D0%96', 'x'.repeat(101)],
  integer: ['abc', '1.5', '1e3', '-1', '99999999999999999999', '%00', '%FF', '0x10', '%20'],
  boolean: ['maybe', '2', '%00', '%FF'],
  json: ['%7B', '%FF', 'x'.repeat(200_000)],
  since: ['abc', '-1', '1.5', '99999999999999999999', '%FF'],
};

const DOCUMENTED = new Set([
  'wrong-argument-value',
  'argument-missing',
  'max-message-length-exceeded',
  'unknown-status',
  'wrong_message_kind',
  'reinit-required',
]);

describe('hostile parameters', () => {
  const cleanup = new Cleanup();
  let database: TestDatabase;
  let node: NodeProcess;
  let visitor: Visitor;
  let operator: Operator;

  before(async () => {
    database = cleanup.add(await createTestDatabase(), it => it.drop());
    const folder = cleanup.add(new Folder(), it => it.remove());
    folder.write(
      'main.ini',
      `db_host = ${database.host}\ndb_port = ${database.port}\ndb_name = ${database.name}\ndb_username = ${database.user}\ndb_password = ${database.password ?? ''}\n`,
    );
    node = cleanup.add(await startNodeProcess([], { cwd: folder.path }), it => it.stop());
    await chatServer(['operator', 'add', '--login', 'op', '--fullname', 'Op', '--password', 'correct horse'], { cwd: folder.path });
    operator = await Operator.login(node.url, 'op', 'correct horse');
    visitor = await Visitor.init(node.url);
    await visitor.send('hello', 'hello');
  });

  after(() => cleanup.run());

  async function call(
    endpoint: Endpoint,
    raw: Record<string, string>,
  ): Promise<{ status: number; body: { error?: string; argumentName?: string; result?: string } }> {
    const credentials = endpoint.who === 'visitor' ? visitor.credentials : {};
    const query = Object.entries({ ...credentials, ...endpoint.fixed, ...raw })
      .map(([name, value]) => `${name}=${value}`)
      .join('&');
    const post = endpoint.method === 'POST';
    // A long query would be refused by the HTTP parser before the server sees it.
    if (!post && query.length > 10_000) return { status: 431, body: { error: 'wrong-argument-value' } };
    const response = await fetch(`${node.url}${endpoint.path}${post ? '' : `?${query}`}`, {
      method: endpoint.method,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        ...(endpoint.who === 'operator' ? { authorization: `Bearer ${operator.token}` } : {}),
      },
      ...(post ? { body: query } : {}),
      signal: AbortSignal.timeout(10_000),
    });
    return { status: response.status, body: (await response.json()) as never };
  }

  const newest = async (): Promise<string> => (await database.query<{ r: string }>('select newest_revision() as r'))[0]!.r;
  const valid = (endpoint: Endpoint): Record<string, string> =>
    Object.fromEntries(Object.entries(endpoint.parameters).map(([name, [, value]]) => [name, encodeURIComponent(value)]));

  for (const endpoint of ENDPOINTS) {
    const title = `${endpoint.method} ${endpoint.path} ${endpoint.fixed?.['action'] ?? ''}`.trim();

    test(`${title}: a wrong parameter is named and changes nothing`, async () => {
      const before = await newest();
      for (const [name, [kind]] of Object.entries(endpoint.parameters)) {
        for (const value of HOSTILE[kind]) {
          const { status, body } = await call(endpoint, { ...valid(endpoint), [name]: value });
          if (status === 431) continue;
          const what = `${title} ${name}=${value.slice(0, 30)}: ${status} ${JSON.stringify(body)}`;
          assert.ok(body.error !== undefined && DOCUMENTED.has(body.error), what);
          assert.equal(status, endpoint.path.startsWith('/l/v/') ? 200 : 400, what);
          if (body.error === 'wrong-argument-value') assert.equal(body.argumentName, name, what);
        }
      }
      assert.equal(await newest(), before);
    });

    if (endpoint.required !== undefined) {
      test(`${title}: a missing parameter is named`, async () => {
        for (const name of endpoint.required ?? []) {
          const { [name]: _, ...rest } = valid(endpoint);
          const { status, body } = await call(endpoint, rest);
          assert.deepEqual(
            { status, error: body.error, argumentName: body.argumentName },
            // Apps go on after a wrong argument, and not after a missing one.
            endpoint.who === 'visitor'
              ? { status: 200, error: 'wrong-argument-value', argumentName: name }
              : { status: 400, error: 'argument-missing', argumentName: name },
          );
        }
      });
    }
  }

  test('unknown parameters are ignored, unknown actions and paths are errors', async () => {
    assert.equal((await visitor.action('chat.read_by_visitor', { surprise: '1' })).result, 'ok');
    assert.equal((await visitor.action('chat.dance')).error, 'unknown-method');
    assert.equal((await operator.action('chat.dance')).error, 'unknown-action');
    assert.equal((await fetch(`${node.url}/l/o/dance`)).status, 404);
    assert.deepEqual(await (await fetch(`${node.url}/l/v/m/dance`)).json(), { error: 'not-found' });
  });

  test('wrong credentials: visitors init again, operators log in', async () => {
    for (const credentials of [
      {},
      { 'page-id': visitor.page.pageId },
      { 'page-id': visitor.page.pageId, 'auth-token': 'f'.repeat(32) },
      { 'page-id': 'f'.repeat(32), 'auth-token': 'f'.repeat(32) },
    ]) {
      const response = await fetch(`${node.url}/l/v/m/history?${new URLSearchParams(credentials as Record<string, string>).toString()}`);
      assert.deepEqual([response.status, await response.json()], [200, { error: 'reinit-required' }]);
    }
    const response = await fetch(`${node.url}/l/o/me`, { headers: { authorization: 'Bearer wrong' } });
    assert.equal(response.status, 401);
    assert.equal(((await response.json()) as { error: string }).error, 'unauthorized');
  });

  test('JSON bodies are as strict: types, UTF-8', async () => {
    const before = await newest();
    const bodies: (string | Uint8Array)[] = [
      '{"action":',
      '[]',
      'null',
      '{"action":"chat.take","chatId":"one"}',
      '{"action":"chat.take","chatId":{}}',
      '{"action":["chat.take"],"chatId":1}',
      '{"action":"chat.message","chatId":999999,"clientSideId":"x","message":7}',
      Uint8Array.from([0x7b, 0xff, 0x7d]),
    ];
    for (const body of bodies) {
      const response = await fetch(`${node.url}/l/o/action`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${operator.token}` },
        body,
      });
      assert.equal(response.status, 400, String(body));
      assert.equal(((await response.json()) as { error: string }).error, 'wrong-argument-value', String(body));
    }
    assert.equal(await newest(), before);
  });

  test('a body over the limit is 413 as JSON, in the words of each protocol', async () => {
    const body = 'x'.repeat(10 * 1_048_576 + 1);
    const asVisitor = await fetch(`${node.url}/l/v/m/action`, { method: 'POST', body });
    assert.deepEqual([asVisitor.status, await asVisitor.json()], [413, { error: 'max_file_size_exceeded' }]);
    const asOperator = await fetch(`${node.url}/l/o/action`, {
      method: 'POST',
      body,
      headers: { authorization: `Bearer ${operator.token}` },
    });
    assert.equal(asOperator.status, 413);
    assert.equal(((await asOperator.json()) as { error: string }).error, 'too-large');
  });

  test('what others send at the same time is stored', async () => {
    const others = await Promise.all(Array.from({ length: 20 }, () => Visitor.init(node.url)));
    const hostile = ENDPOINTS.filter(endpoint => endpoint.method === 'POST').flatMap(endpoint =>
      Object.entries(endpoint.parameters).map(
        ([name, [kind]]) =>
          () =>
            call(endpoint, { ...valid(endpoint), [name]: HOSTILE[kind][0]! }),
      ),
    );
    await Promise.all([...others.map((other, i) => other.send(`unharmed ${i}`, `unharmed-${i}`)), ...hostile.map(send => send())]);
    const stored = await database.query("select 1 from message where text like 'unharmed %'");
    assert.equal(stored.length, others.length);
  });
});
