/** The cookie of an operator's login: its name over TLS, several of them at once, and from which pages it counts. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';
import WebSocket from 'ws';
import { credentialsOf } from '../../src/http/operator-auth.ts';
import { Operator } from '../support/operator.ts';
import { type SingleNode, startSingle } from '../support/single.ts';

const [PLAIN, HOST_ONLY] = ['operator_token', '__Host-operator_token'];

describe('the cookie of a login', () => {
  let single: SingleNode;
  let url: string;

  before(async () => {
    single = await startSingle();
    url = single.node.url;
  });

  after(() => single.stop());

  const OVER_TLS = { 'x-forwarded-proto': 'https' };

  /** fetch sets no Origin and no Cookie of one's own. */
  function send(
    method: string,
    path: string,
    headers: Record<string, string>,
    body = '',
  ): Promise<{ status: number; error?: string; cookies: string[] }> {
    return new Promise((resolve, reject) => {
      const form = { 'content-type': 'application/x-www-form-urlencoded' };
      const request = http.request(url + path, { method, headers: { ...form, ...headers } }, response => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => {
          const { error } = JSON.parse(text) as { error?: string };
          resolve({
            status: response.statusCode ?? 0,
            ...(error === undefined ? {} : { error }),
            cookies: response.headers['set-cookie'] ?? [],
          });
        });
      });
      request.on('error', reject).end(body);
    });
  }

  const login = (headers: Record<string, string> = {}) => send('POST', '/l/o/login', headers, 'login=op&password=correct+horse');
  const token = async (): Promise<string> => (await Operator.login(url, 'op', 'correct horse')).token;
  const me = async (cookie: string): Promise<number> => (await send('GET', '/l/o/me', { cookie })).status;

  test('has over TLS the name that nobody else can set, and without TLS another', async () => {
    const secure = await login(OVER_TLS);
    const own = secure.cookies.find(cookie => cookie.startsWith(`${HOST_ONLY}=`));
    assert.match(own ?? '', /; Path=\/;.*; HttpOnly; Secure; SameSite=Lax$/);
    assert.doesNotMatch(own ?? '', /Domain/i);
    assert.ok(
      secure.cookies.some(cookie => cookie.startsWith(`${PLAIN}=;`)),
      'one of a log-in without TLS goes',
    );
    const plain = await login();
    assert.deepEqual(plain.cookies.length, 1);
    assert.match(plain.cookies[0] ?? '', new RegExp(`^${PLAIN}=[^;]+;.*HttpOnly; SameSite=Lax$`));
  });

  test('is found among stale ones of either name, wherever it stands', async () => {
    const good = await token();
    for (const cookie of [
      `${PLAIN}=${good}`,
      `${HOST_ONLY}=${good}`,
      `${PLAIN}=stale; ${PLAIN}=${good}`,
      `${PLAIN}=${good}; ${PLAIN}=stale`,
      `a=1; ${PLAIN}=stale; b=2; ${PLAIN}=; ${PLAIN}=${good}`,
      `${HOST_ONLY}=stale; ${PLAIN}=${good}`,
      `${PLAIN}=stale; ${HOST_ONLY}=${good}`,
      ...['stale', 'stale; x'].map(stale => `${PLAIN}=${stale}; ${PLAIN}=older; ${PLAIN}=oldest; ${PLAIN}=${good}`),
    ])
      assert.equal(await me(cookie), 200, cookie);
    for (const cookie of ['', `${PLAIN}=`, `${PLAIN}=stale`, `x${PLAIN}=${good}`, `${PLAIN}x=${good}`])
      assert.equal(await me(cookie), 401, cookie);
    const many = Array.from({ length: 300 }, (_, i) => `${PLAIN}=${i}`).join('; ');
    assert.equal(await me(`${many}; ${PLAIN}=${good}`), 401, 'only a few are tried');
    const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/o/delta`, { headers: { cookie: `${PLAIN}=stale; ${PLAIN}=${good}` } });
    await new Promise((resolve, reject) => socket.once('message', resolve).once('close', reject));
    socket.terminate();
  });

  test('of the name that nobody else can set comes first, so that none that was planted is taken for it', () => {
    const { tokens } = credentialsOf({ headers: { cookie: `${PLAIN}=planted; ${HOST_ONLY}=own` } }, { plain: PLAIN, hostOnly: HOST_ONLY });
    assert.deepEqual(tokens, ['own', 'planted']);
  });

  test('is cleared under both names by a log-out, which ends its login', async () => {
    const good = await token();
    const answer = await send('POST', '/l/o/logout', { cookie: `${PLAIN}=stale; ${HOST_ONLY}=${good}` });
    assert.equal(answer.status, 200);
    for (const name of [PLAIN, HOST_ONLY])
      assert.ok(
        answer.cookies.some(cookie => cookie.startsWith(`${name}=; `)),
        name,
      );
    assert.match(answer.cookies.find(cookie => cookie.startsWith(HOST_ONLY)) ?? '', /Secure/, 'else browsers do not take it');
    assert.equal(await me(`${HOST_ONLY}=${good}`), 401);
  });

  test('counts from pages of the own host, over TLS from those over TLS only', async () => {
    const good = await token();
    const { host } = new URL(url);
    const cases: readonly (readonly [origin: string, overTls: boolean, isOwn: boolean])[] = [
      [`http://${host}`, false, true],
      [`https://${host}`, true, true],
      [`http://${host}`, true, false],
      [`https://${host}`, false, true],
      ['https://evil.example', true, false],
      ['http://evil.example', false, false],
      [`http://${host}.evil.example`, false, false],
      [`ftp://${host}`, false, false],
      ['null', false, false],
      ['', false, false],
    ];
    for (const [origin, overTls, isOwn] of cases) {
      const headers = { origin, cookie: `${PLAIN}=${good}`, ...(overTls ? OVER_TLS : {}) };
      const set = await send('POST', '/l/o/set-status', headers, 'status=online');
      assert.deepEqual([set.status, set.error], isOwn ? [200, undefined] : [403, 'wrong-origin'], `${origin} ${overTls}`);
      const entered = await login({ origin, ...(overTls ? OVER_TLS : {}) });
      assert.equal(entered.status, isOwn ? 200 : 403, `${origin} ${overTls}`);
      const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/o/delta`, { headers });
      const came = await new Promise(resolve => socket.once('message', () => resolve(true)).once('close', () => resolve(false)));
      assert.equal(came, isOwn, `WebSocket ${origin} ${overTls}`);
      socket.terminate();
    }
  });
});
