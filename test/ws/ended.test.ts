/**
 * Whoever comes with a revision that is still to come waits a second. A log-in or page that ends in that time is closed and answered as
 * one that ended before, and does nothing more; a file that comes slowly is not taken from it.
 */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import WebSocket from 'ws';
import { eventually } from '../support/eventually.ts';
import { Operator } from '../support/operator.ts';
import { chatServer } from '../support/process.ts';
import { FIELDS_INI, signFields } from '../support/signed-fields.ts';
import { type SingleNode, startSingle } from '../support/single.ts';
import { Visitor } from '../support/visitor.ts';

const PASSWORD = 'correct horse';
/** Within the second that a `since` which is ahead is waited for. */
const MEANWHILE_MS = 300;

describe('an end while its client waits', () => {
  let single: SingleNode;
  let url: string;
  let admin: Operator;

  before(async () => {
    single = await startSingle({ logins: ['op', 'off'], ini: `poll_hold_seconds = 3\n${FIELDS_INI}` });
    url = single.node.url;
    const roles = ['--login', 'admin', '--fullname', 'admin', '--password', PASSWORD, '--roles', 'admin'];
    assert.equal((await chatServer(['operator', 'add', ...roles], { cwd: single.folder.path })).code, 0);
    admin = await Operator.login(url, 'admin', PASSWORD);
  });
  after(() => single.stop());

  const ahead = async (): Promise<string> => String(Number((await single.node.status()).revision) + 5_000);
  const disable = async (login: string): Promise<void> => {
    assert.equal((await chatServer(['operator', 'disable', '--login', login], { cwd: single.folder.path })).code, 0);
  };
  const logOut = (operator: Operator): Promise<unknown> => operator.post('/l/o/logout', {});
  const operator = async (login: string) => Operator.login(url, login, PASSWORD);
  async function visitor(): Promise<Visitor> {
    const visitor = await Visitor.init(url, { 'device-id': 'watch' });
    await visitor.send('hello', `hello-${Math.random()}`);
    return visitor;
  }
  /** Somebody else signs in on the same device. */
  const leave = (_: Visitor): Promise<unknown> =>
    Visitor.init(url, { 'device-id': 'watch', 'visitor-ext': JSON.stringify(signFields({ id: `another ${Math.random()}` })) });
  const ban = async (visitor: Visitor): Promise<void> => {
    assert.equal((await admin.action('visitor.ban', { visitorId: visitor.page.visitor.id })).result, 'ok');
  };

  async function closedMeanwhile(path: string, end: () => Promise<unknown>, token?: string): Promise<{ code: number }> {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const socket = new WebSocket(url.replace('http', 'ws') + path, { headers });
    const closed = new Promise<number>(resolve => socket.on('close', resolve));
    await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
    await wait(MEANWHILE_MS);
    await end();
    const code = await Promise.race([closed, wait(5_000, 0)]);
    socket.terminate();
    return { code };
  }

  test('an operator who logs out meanwhile: the WebSocket is closed with 4401', async () => {
    const op = await operator('op');
    assert.equal((await closedMeanwhile(`/ws/o/delta?since=${await ahead()}`, () => logOut(op), op.token)).code, 4401);
  });

  test('an operator who is disabled meanwhile: the WebSocket is closed with 4403', async () => {
    const op = await operator('off');
    assert.equal((await closedMeanwhile(`/ws/o/delta?since=${await ahead()}`, () => disable('off'), op.token)).code, 4403);
  });

  for (const [what, end] of [
    ['whose page ends', leave],
    ['who is kept out', ban],
  ] as const) {
    test(`a visitor ${what} meanwhile: the WebSocket is closed with 4410`, async () => {
      const one = await visitor();
      const query = new URLSearchParams({ ...one.credentials, since: await ahead() }).toString();
      assert.equal((await closedMeanwhile(`/ws/v/delta?${query}`, () => end(one))).code, 4410);
    });

    test(`a visitor ${what} meanwhile: the poll says so`, async () => {
      const one = await visitor();
      const query = new URLSearchParams({ ...one.credentials, since: await ahead() }).toString();
      const answer = fetch(`${url}/l/v/m/delta?${query}`).then(response => response.json());
      await wait(MEANWHILE_MS);
      await end(one);
      const { error } = (await answer) as { error?: string };
      assert.match(String(error), /reinit-required|visitor_banned/);
    });
  }

  test('an operator who logs out meanwhile: the poll says so', async () => {
    const op = await operator('op');
    const answer = op.get(`/l/o/delta?since=${await ahead()}`);
    await wait(MEANWHILE_MS);
    await logOut(op);
    assert.equal((await answer).error, 'unauthorized');
  });

  /** The head and a part of the body are sent, then `end`, then the rest. */
  async function slowly(path: string, token: string, [head, rest]: readonly [string, string], type: string, end: () => Promise<unknown>) {
    const sending = request(url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': type, 'content-length': Buffer.byteLength(head + rest) },
    });
    const answered = new Promise<number>((resolve, reject) => {
      sending.on('response', response => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      sending.on('error', reject);
    });
    sending.write(head);
    await wait(MEANWHILE_MS);
    await end();
    sending.end(rest);
    return answered;
  }

  test('a file, or a word, that comes to its end after its log-in is not taken', async () => {
    const guest = await visitor();
    const desk = await operator('op');
    await desk.setStatus('online');
    const [chat] = await single.database.query<{ id: string }>('select id from chat where visitor_id = $1', [guest.page.visitor.id]);
    const chatId = String(chat?.id);
    await eventually(async () => (await desk.action('chat.take', { chatId, override: 'true' })).result === 'ok');
    const texts = async (): Promise<unknown> => (await single.database.query('select count(*) as n from message'))[0];
    const before = await texts();
    const head =
      '--b\r\nContent-Disposition: form-data; name="webim_upload_file"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nhello';
    const form = await slowly(
      `/l/o/upload?chatId=${chatId}&clientSideId=slow`,
      desk.token,
      [head, ' world\r\n--b--\r\n'],
      'multipart/form-data; boundary=b',
      () => logOut(desk),
    );
    assert.equal(form, 401);
    const again = await operator('op');
    const said = await slowly(
      '/l/o/action',
      again.token,
      [`action=chat.message&chatId=${chatId}&clientSideId=slow2&mess`, 'age=x'],
      'application/x-www-form-urlencoded',
      () => logOut(again),
    );
    assert.equal(said, 401);
    assert.deepEqual(await texts(), before);
  });
});
