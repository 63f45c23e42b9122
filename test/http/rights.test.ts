/**
 * Who may do what (sessions/operators/rights.ts): every call, every action on each transport and every sort of caller, with somebody else's
 * ids. What is refused changes nothing; a call, action or route that is not walked fails the test.
 */
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { Router } from 'express';
import WebSocket from 'ws';
import { backendRoutes } from '../../src/http/backend-routes.ts';
import { healthRoutes } from '../../src/http/health-routes.ts';
import { operatorRoutes } from '../../src/http/operator-routes.ts';
import { visitorRoutes } from '../../src/http/visitor-routes.ts';
import { ACTION_RIGHTS, CALL_RIGHTS } from '../../src/sessions/operators/rights.ts';
import { eventually } from '../support/eventually.ts';
import { Operator } from '../support/operator.ts';
import { chatServer } from '../support/process.ts';
import { type SingleNode, startSingle } from '../support/single.ts';
import { Visitor } from '../support/visitor.ts';

const PASSWORD = 'correct horse';
const CALLERS = ['stranger', 'colleague', 'strangers chief', 'chief', 'admin'] as const;
type Caller = (typeof CALLERS)[number];

/** A chat of the department sales that another operator has, and all that belongs to it. */
interface Target {
  readonly chatId: string;
  readonly visitor: Visitor;
  readonly visitorId: string;
  readonly messageId: string;
  readonly guid: string;
}

interface Answer {
  readonly status: number;
  readonly error?: string;
  readonly data?: never;
}

/** In the order of CALLERS, as `<status> <error>`. */
type Expected = readonly [string, string, string, string, string];

interface Row {
  readonly call: (target: Target) => { readonly method: 'GET' | 'POST'; readonly path: string; readonly body?: Record<string, string> };
  readonly expected: Expected;
  /** What more is true of an answer. */
  readonly check?: (answer: Answer, caller: Caller, target: Target) => void;
}

const ALL = (one: string): Expected => [one, one, one, one, one];
const OK = '200 ';
const READERS: Expected = ['403 not-allowed', OK, '403 not-allowed', OK, OK];
const ADMINS = (ok: string): Expected => [...ALL('403 not-allowed').slice(0, 4), ok] as unknown as Expected;
const NOT_YOURS = ALL('403 not-your-chat');
const BY_CHIEFS = (refused: string): Expected => [refused, refused, refused, OK, OK];
const NEEDS_ROLE = BY_CHIEFS('403 not-allowed');

let sellerId = 0;
let answerId = 0;

const get = (path: string): ReturnType<Row['call']> => ({ method: 'GET', path });
const post = (path: string, body: Record<string, string> = {}): ReturnType<Row['call']> => ({ method: 'POST', path, body });
const hears = (answer: Answer, caller: Caller, words: string): void =>
  assert.equal(JSON.stringify(answer).includes(words), !caller.startsWith('stranger'), `${caller} hears of ${words}`);

const CALLS: Record<keyof typeof CALL_RIGHTS, Row> = {
  'POST /l/o/logout': { call: () => post('/l/o/logout'), expected: ALL(OK) },
  'GET /l/o/me': { call: () => get('/l/o/me'), expected: ALL(OK) },
  'POST /l/o/password': {
    call: () => post('/l/o/password', { oldPassword: 'not mine', newPassword: 'battery staple' }),
    expected: ALL('403 wrong-credentials'),
  },
  'POST /l/o/set-status': { call: () => post('/l/o/set-status', { status: 'online', operatorId: String(sellerId) }), expected: ALL(OK) },
  'POST /l/o/action': { call: () => post('/l/o/action', { action: 'chat.dance' }), expected: ALL('400 unknown-action') },
  'GET /l/o/delta': {
    call: () => get('/l/o/delta'),
    expected: ALL(OK),
    check: (answer, caller, { visitorId }) => {
      if (caller !== 'colleague') hears(answer, caller, visitorId);
    },
  },
  'GET /l/o/queue': {
    call: () => get('/l/o/queue'),
    expected: ALL(OK),
    check: (answer, caller, { visitorId }) => {
      if (caller.startsWith('stranger')) hears(answer, caller, visitorId);
    },
  },
  'GET /l/o/history': { call: ({ chatId }) => get(`/l/o/history?chatId=${chatId}`), expected: READERS },
  'GET /l/o/assignments': { call: ({ chatId }) => get(`/l/o/assignments?chatId=${chatId}`), expected: READERS },
  'GET /l/o/chats': {
    call: ({ visitorId }) => get(`/l/o/chats?visitorId=${visitorId}&departmentKey=sales`),
    expected: ALL(OK),
    check: (answer, caller, { visitorId }) => hears(answer, caller, visitorId),
  },
  'GET /l/o/visitor': { call: ({ visitorId }) => get(`/l/o/visitor?id=${visitorId}`), expected: READERS },
  'GET /l/o/bans': {
    call: () => get('/l/o/bans'),
    expected: ['403 not-allowed', '403 not-allowed', OK, OK, OK],
    check: (answer, caller) => {
      if (caller !== 'stranger' && caller !== 'colleague') hears(answer, caller, 'banned for the walk');
    },
  },
  'POST /l/o/upload': { call: ({ chatId }) => post(`/l/o/upload?chatId=${chatId}&clientSideId=x`), expected: NOT_YOURS },
  'GET /l/o/download': { call: ({ guid }) => get(`/l/o/download/${guid}/x`), expected: READERS },
  'GET /l/o/canned-answers': {
    call: () => get('/l/o/canned-answers'),
    expected: ALL(OK),
    check: answer => assert.doesNotMatch(JSON.stringify(answer), /of the seller/),
  },
  'POST /l/o/canned-answers': {
    call: () => post('/l/o/canned-answers', { id: String(answerId), scope: 'own', shortcut: 'mine', text: 'x' }),
    expected: ALL('404 not-found'),
  },
  'POST /l/o/canned-answers/remove': {
    call: () => post('/l/o/canned-answers/remove', { id: String(answerId) }),
    expected: ALL('404 not-found'),
  },
  'GET /l/o/cluster': { call: () => get('/l/o/cluster'), expected: ADMINS(OK) },
  'POST /l/o/cluster/promote': { call: () => post('/l/o/cluster/promote', { node: 'x' }), expected: ADMINS('409 not-a-cluster') },
  'POST /l/o/cluster/handover': { call: () => post('/l/o/cluster/handover'), expected: ADMINS('409 not-a-cluster') },
  'POST /l/o/cluster/drain': { call: () => post('/l/o/cluster/drain', { node: 'x' }), expected: ADMINS('409 not-a-cluster') },
};

const act = (parameters: (target: Target) => Record<string, string>, expected: Expected) => ({ parameters, expected });

const ACTIONS: Record<keyof typeof ACTION_RIGHTS, { parameters: (target: Target) => Record<string, string>; expected: Expected }> = {
  'chat.take': act(
    ({ chatId }) => ({ chatId, override: 'true' }),
    ['403 wrong-department', '409 chat-already-taken', '403 wrong-department', '409 chat-already-taken', '409 chat-already-taken'],
  ),
  'chat.message': act(({ chatId }) => ({ chatId, message: 'x', clientSideId: 'walk' }), NOT_YOURS),
  'chat.edit_message': act(({ chatId, messageId }) => ({ chatId, id: messageId, message: 'x' }), NOT_YOURS),
  'chat.delete_message': act(({ chatId, messageId }) => ({ chatId, id: messageId }), NOT_YOURS),
  'chat.keyboard': act(
    ({ chatId }) => ({ chatId, message: 'x', clientSideId: 'walk', buttons: JSON.stringify([[{ id: 'a', text: 'A' }]]) }),
    NOT_YOURS,
  ),
  'chat.request_contacts': act(({ chatId }) => ({ chatId }), NOT_YOURS),
  'chat.typing': act(({ chatId }) => ({ chatId, typing: 'true' }), NOT_YOURS),
  'chat.read': act(({ chatId }) => ({ chatId }), NOT_YOURS),
  'chat.transfer': act(({ chatId }) => ({ chatId, departmentKey: 'stock' }), BY_CHIEFS('403 not-your-chat')),
  'chat.release': act(({ chatId }) => ({ chatId }), NOT_YOURS),
  'chat.close': act(({ chatId }) => ({ chatId }), BY_CHIEFS('403 not-your-chat')),
  'chat.start': act(
    ({ visitorId }) => ({ visitorId }),
    ['403 not-allowed', '409 chat-open', '403 not-allowed', '409 chat-open', '409 chat-open'],
  ),
  'chat.set_subject': act(({ chatId }) => ({ chatId, category: 'x' }), BY_CHIEFS('403 not-your-chat')),
  'visitor.ban': act(({ visitorId }) => ({ visitorId }), NEEDS_ROLE),
  'visitor.unban': act(({ visitorId }) => ({ visitorId }), NEEDS_ROLE),
  'operator.set_status': act(() => ({ operatorId: String(sellerId), status: 'break' }), NEEDS_ROLE),
};

/** Of visitors and of nobody. */
const OPEN_TO_ALL = [
  'GET /l/o/pingservice',
  'POST /l/o/login',
  'GET /healthz',
  'GET /readyz',
  'GET /status',
  'GET /metrics',
  'GET /l/v/m/init',
  'GET /l/v/init',
  'POST /l/v/m/auth',
  'GET /api/visitor/v1/configs',
  'GET /api/visitor/meta',
  'GET /l/v/get-online-status',
  'GET /l/v/m/get-online-status',
  'GET /services/faq/v1/item',
  'GET /services/faq/v1/category',
  'GET /services/faq/v1/structure',
  'GET /services/faq/v1/search',
  'GET /webim/api/v1/faq/category',
  'POST /services/faq/v1/like',
  'POST /services/faq/v1/dislike',
  'POST /services/faq/v1/track',
];
const OF_VISITORS = [
  'GET /l/v/m/delta',
  'GET /l/v/delta',
  'ALL /l/v/m/action',
  'ALL /l/v/action',
  'GET /l/v/m/history',
  'GET /l/v/history',
  'GET /l/v/m/search-messages',
  'GET /l/v/m/info',
  'POST /l/v/m/upload',
  'GET /l/v/file-delete',
  'GET /l/v/m/download',
];
const OF_THE_BACKEND = ['POST /api/v2/rt/provide_visitor_fields'];

describe('who may do what', () => {
  let single: SingleNode;
  let url: string;
  let seller: Operator;
  const callers = new Map<Caller, Operator>();
  const revision = async (): Promise<unknown> => (await single.database.query('select max(last_revision) as newest from change_log'))[0];

  async function run(...args: string[]): Promise<string> {
    const done = await chatServer(args, { cwd: single.folder.path });
    if (done.code !== 0) throw new Error(done.stderr);
    return done.stdout;
  }

  async function hire(login: string, departments: string, roles: string): Promise<Operator> {
    const flags = ['--login', login, '--fullname', login, '--password', PASSWORD, '--departments', departments, '--roles', roles];
    const id = Number(await run('operator', 'add', ...flags));
    if (login === 'seller') sellerId = id;
    return Operator.login(url, login, PASSWORD);
  }

  const loginOf = (caller: Caller): string => caller.replace(' ', '-');

  before(async () => {
    single = await startSingle({ logins: [], ini: 'poll_hold_seconds = 1\nmax_chats_per_operator = 1000\nassignment_mode = manual' });
    url = single.node.url;
    for (const key of ['sales', 'stock']) await run('department', 'add', '--key', key, '--name', key);
    seller = await hire('seller', 'sales', 'operator');
    callers.set('stranger', await hire('stranger', 'stock', 'operator'));
    callers.set('colleague', await hire('colleague', 'sales', 'operator'));
    callers.set('strangers chief', await hire('strangers-chief', 'stock', 'operator,supervisor'));
    callers.set('chief', await hire('chief', 'sales', 'operator,supervisor'));
    callers.set('admin', await hire('admin', '', 'admin'));
    for (const operator of [seller, ...callers.values()]) await operator.setStatus('online');
    const saved = await seller.post('/l/o/canned-answers', { scope: 'own', shortcut: 'own', text: 'of the seller' });
    answerId = (saved.data as unknown as { id: number }).id;
    const banned = await newTarget();
    assert.equal(
      (await callers.get('admin')?.action('visitor.ban', { visitorId: banned.visitorId, reason: 'banned for the walk' }))?.result,
      'ok',
    );
  });

  after(async () => {
    for (const operator of callers.values()) operator.close();
    await single.stop();
  });

  let number = 0;
  async function newTarget(): Promise<Target> {
    const n = ++number;
    const visitor = await Visitor.init(url);
    const visitorId = visitor.page.visitor.id;
    const started = await visitor.action('chat.start', { 'client-side-id': `c${n}`, 'department-key': 'sales', 'first-question': 'hello' });
    assert.equal(started.result, 'ok');
    const [row] = await single.database.query<{ id: string }>('select id from chat where visitor_id = $1', [visitorId]);
    const chatId = String(row?.id);
    assert.equal((await seller.action('chat.take', { chatId })).result, 'ok');
    const said = await seller.action('chat.message', { chatId, message: 'hi', clientSideId: `m${n}` });
    const form = new FormData();
    form.append('webim_upload_file', new Blob(['x']), 'x.txt');
    const upload = await fetch(`${url}/l/o/upload?chatId=${chatId}&clientSideId=f${n}`, {
      method: 'POST',
      body: form,
      headers: { authorization: `Bearer ${seller.token}` },
    });
    const { data } = (await upload.json()) as { data: { guid: string } };
    return { chatId, visitor, visitorId, messageId: (said.data as unknown as { id: string }).id, guid: data.guid };
  }

  async function send({ method, path, body }: ReturnType<Row['call']>, headers: Record<string, string> = {}): Promise<Answer> {
    let content: FormData | URLSearchParams | undefined = method === 'POST' ? new URLSearchParams(body) : undefined;
    if (path.includes('/upload')) {
      content = new FormData();
      content.append('webim_upload_file', new Blob(['x']), 'x.txt');
    }
    const response = await fetch(url + path, { method, headers, ...(content === undefined ? {} : { body: content }) });
    const text = await response.text();
    const answer = text.startsWith('{') ? (JSON.parse(text) as { error?: string; data?: never }) : {};
    return { ...answer, status: response.status };
  }

  const shown = ({ status, error }: Answer): string => `${status} ${error ?? ''}`;
  const bearer = (token: string | undefined): Record<string, string> => ({ authorization: `Bearer ${token}` });

  test('everything that can be asked for is walked', () => {
    const anything: never = new Proxy(() => anything, { get: () => anything }) as never;
    const routers = [
      operatorRoutes({
        services: anything,
        health: anything,
        held: anything,
        body: anything,
        uploads: anything,
        unread: anything,
        site: anything,
      }),
      visitorRoutes(anything, anything),
      backendRoutes({ services: anything, body: anything, backendKey: undefined }),
      healthRoutes(anything),
    ];
    const there = routers.flatMap(routesOf).sort();
    const walked = [...Object.keys(CALLS), ...OPEN_TO_ALL, ...OF_VISITORS, ...OF_THE_BACKEND].sort();
    assert.deepEqual(there, walked);
    assert.deepEqual(Object.keys(CALLS).sort(), Object.keys(CALL_RIGHTS).sort());
    assert.deepEqual(Object.keys(ACTIONS).sort(), Object.keys(ACTION_RIGHTS).sort());
  });

  test('a call with the ids of others does for each what the table says, and changes nothing for who is refused', async () => {
    for (const [name, { call, expected, check }] of Object.entries(CALLS)) {
      const target = await newTarget();
      for (const [i, caller] of CALLERS.entries()) {
        const { token } =
          name === 'POST /l/o/logout' ? await Operator.login(url, loginOf(caller), PASSWORD) : (callers.get(caller) ?? seller);
        const before = await revision();
        const answer = await send(call(target), bearer(token));
        assert.equal(shown(answer), expected[i], `${name} by ${caller}`);
        check?.(answer, caller, target);
        if (answer.status !== 200) assert.deepEqual(await revision(), before, `${name} by ${caller} changed nothing`);
      }
    }
    const [own] = await single.database.query('select text from canned_answer where id = $1', [answerId]);
    assert.deepEqual(own, { text: 'of the seller' });
    const [password] = await single.database.query<{ status: string }>('select status from operator where id = $1', [sellerId]);
    assert.equal(password?.status, 'online');
  });

  for (const transport of ['HTTP', 'WebSocket'] as const)
    test(`an action with the ids of others does for each what the table says, by ${transport}`, async () => {
      if (transport === 'WebSocket') for (const operator of callers.values()) await operator.connect();
      for (const [name, { parameters, expected }] of Object.entries(ACTIONS)) {
        let target = await newTarget();
        for (const [i, caller] of CALLERS.entries()) {
          if (name === 'visitor.unban') await callers.get('admin')?.action('visitor.ban', { visitorId: target.visitorId });
          const operator = callers.get(caller) ?? seller;
          const before = await revision();
          const { id, ...said } = parameters(target);
          const answer =
            transport === 'HTTP'
              ? await operator.action(name, { ...said, ...(id === undefined ? {} : { id }) })
              : await operator.request(name, said); // a frame's own id is the message's
          const wanted = expected[i] ?? '';
          if (transport === 'HTTP') assert.equal(shown(answer as Answer), wanted, `${name} by ${caller}`);
          else assert.equal(answer.error ?? '', wanted.slice(4), `${name} by ${caller}`);
          if (wanted !== OK) assert.deepEqual(await revision(), before, `${name} by ${caller} changed nothing`);
          else target = await newTarget(); // this one is not what it was
        }
      }
    });

  test('only who may read of a visitor invites them again', async () => {
    for (const [i, caller] of CALLERS.entries()) {
      const { chatId, visitorId } = await newTarget();
      assert.equal((await seller.action('chat.close', { chatId })).result, 'ok');
      const answer = await callers.get(caller)?.action('chat.start', { visitorId });
      assert.equal(shown(answer as Answer), READERS[i], caller);
    }
  });

  test('an open chat is named to nobody who may not read it, however often they ask while it is being closed', async () => {
    const { chatId, visitorId } = await newTarget();
    const stranger = callers.get('stranger') ?? seller;
    let isClosed = false;
    const answers: Answer[] = [];
    const asking = Array.from({ length: 8 }, async () => {
      do answers.push(await stranger.action('chat.start', { visitorId }));
      while (!isClosed);
    });
    await eventually(() => answers.length >= 8);
    assert.equal((await seller.action('chat.close', { chatId })).result, 'ok');
    const asked = answers.length;
    await eventually(() => answers.length >= asked + 16);
    isClosed = true;
    await Promise.all(asking);
    assert.deepEqual([...new Set(answers.map(shown))], ['403 not-allowed']);
    assert.ok(!JSON.stringify(answers).includes(chatId));
  });

  test('who may read an older chat of a visitor is not told which chat of another department is open', async () => {
    const { chatId, visitor, visitorId } = await newTarget();
    assert.equal((await seller.action('chat.close', { chatId })).result, 'ok');
    const start = { 'client-side-id': `other-${chatId}`, 'department-key': 'stock', 'first-question': 'hello', 'force-start': 'true' };
    assert.equal((await visitor.action('chat.start', start)).result, 'ok');
    const [open] = await single.database.query<{ id: string; department: string }>(
      'select id, department_key as department from chat where visitor_id = $1 order by id desc limit 1',
      [visitorId],
    );
    assert.equal(open?.department, 'stock');
    const refused = await seller.action('chat.start', { visitorId });
    assert.deepEqual([shown(refused), refused.data], ['409 chat-open', undefined]);
    const told = await callers.get('stranger')?.action('chat.start', { visitorId });
    assert.deepEqual([told?.status, told?.error, told?.data], [409, 'chat-open', { chatId: Number(open.id) }]);
  });

  test('without a login that lives nobody is an operator: nobody, a visitor, who was disabled, who has logged out', async () => {
    const target = await newTarget();
    await hire('gone', 'sales', 'operator,supervisor,admin');
    const [disabled, other] = await Promise.all([Operator.login(url, 'gone', PASSWORD), Operator.login(url, 'gone', PASSWORD)]);
    await other.connect();
    const ended = await Operator.login(url, 'seller', PASSWORD);
    assert.equal((await ended.post('/l/o/logout', {})).result, 'ok');
    await run('operator', 'disable', '--login', 'gone');
    await eventually(() => other.closed?.code === 4403);
    assert.equal(
      (await send({ method: 'POST', path: '/l/o/login', body: { login: 'gone', password: PASSWORD } })).error,
      'operator-disabled',
      'nor do they come in again',
    );
    const { pageId, authToken } = target.visitor.page;
    const sorts: Record<string, Record<string, string>> = {
      nobody: {},
      'with an empty token': { authorization: 'Bearer ', cookie: 'operator_token=' },
      'a visitor': { ...bearer(authToken), cookie: `operator_token=${authToken}` },
      'a page': bearer(pageId),
      'who was disabled': bearer(disabled.token),
      'who has logged out': bearer(ended.token),
    };
    const before = await revision();
    for (const [sort, headers] of Object.entries(sorts)) {
      for (const [name, { call }] of Object.entries(CALLS)) {
        const { method, path, body } = call(target);
        const answer = await send({ method, path, body: { ...body, ...target.visitor.credentials } }, headers);
        assert.deepEqual([answer.status, answer.error], [401, 'unauthorized'], `${name} ${sort}`);
      }
      for (const [name, { parameters }] of Object.entries(ACTIONS)) {
        const answer = await send(post('/l/o/action', { action: name, ...parameters(target) }), headers);
        assert.deepEqual([answer.status, answer.error], [401, 'unauthorized'], `${name} ${sort}`);
      }
      assert.equal(await closeCode('/ws/o/delta', headers), 4401, sort);
    }
    assert.deepEqual(await revision(), before);
  });

  test('an operator’s login opens nothing of a visitor’s, and a visitor nothing of another one’s', async () => {
    const [target, other] = [await newTarget(), await newTarget()];
    const admin = callers.get('admin')?.token;
    for (const name of OF_VISITORS) {
      const [verb = '', path = ''] = name.split(' ');
      const method = verb === 'GET' ? 'GET' : 'POST';
      const full = path.endsWith('/download')
        ? `${path}/${target.guid}/x`
        : `${path}?since=0&query=x&guid=${target.guid}&action=chat.close`;
      const answer = await send({ method, path: full, body: { action: 'chat.close' } }, bearer(admin));
      assert.ok(answer.error !== undefined, `${name} without a page`);
      const mixed = new URLSearchParams({ 'page-id': target.visitor.page.pageId, 'auth-token': other.visitor.page.authToken });
      const forged = await send({ method, path: `${full}${full.includes('?') ? '&' : '?'}${mixed.toString()}`, body: {} }, {});
      assert.ok(forged.error !== undefined, `${name} with another one’s token`);
    }
    assert.equal(await closeCode('/ws/v/delta', bearer(admin)), 1003);
    // With all that is theirs, and the ids of another.
    const expires = String(Math.floor(Date.now() / 1_000) + 300);
    const { pageId, authToken } = other.visitor.page;
    const hash = createHmac('sha256', authToken)
      .update(target.guid + expires)
      .digest('hex');
    const query = new URLSearchParams({ 'page-id': pageId, expires, hash });
    assert.equal((await send(get(`/l/v/m/download/${target.guid}/x?${query.toString()}`))).status, 404);
    assert.equal(((await other.visitor.get('/l/v/file-delete', { guid: target.guid })) as { error: string }).error, 'file_not_found');
    const like = await other.visitor.action('chat.react_message', { 'client-side-id': target.messageId, reaction: 'like' });
    assert.ok(like.error !== undefined);
    for (const name of OF_THE_BACKEND) {
      const [method, path] = name.split(' ') as ['POST', string];
      for (const headers of [{}, bearer(admin), bearer(createHash('md5').digest('hex'))])
        assert.ok((await send({ method, path }, headers)).status >= 401, name);
    }
  });

  async function closeCode(path: string, headers: Record<string, string>): Promise<number> {
    const socket = new WebSocket(url.replace(/^http/, 'ws') + path, { headers });
    socket.on('error', () => undefined);
    return new Promise(resolve => socket.once('close', code => resolve(code)));
  }
});

interface Layer {
  readonly route?: { readonly path: string | RegExp | readonly (string | RegExp)[]; readonly methods: Readonly<Record<string, boolean>> };
  readonly handle?: { readonly stack?: readonly Layer[] };
}

/** `GET /path` of all routes in it and in what it uses. */
function routesOf(router: Router): string[] {
  return (router as unknown as { readonly stack: readonly Layer[] }).stack.flatMap(layer => {
    if (layer.route === undefined) return layer.handle?.stack === undefined ? [] : routesOf(layer.handle as unknown as Router);
    const { path, methods } = layer.route;
    const verbs = methods['_all'] === true ? ['ALL'] : Object.keys(methods).map(method => method.toUpperCase());
    return [path].flat().flatMap(one => verbs.map(verb => `${verb} ${one instanceof RegExp ? nameOf(one) : one}`));
  });
}

/** What comes before the first group. */
function nameOf(pattern: RegExp): string {
  return (/^\^([^(]*?)(?:\\\/|\/)?\(/.exec(pattern.source)?.[1] ?? pattern.source).replaceAll('\\/', '/');
}
