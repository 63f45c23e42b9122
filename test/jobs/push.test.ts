/** Push notifications to apps that are not looked at, by a scripted Firebase. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import http from 'node:http';
import { after, afterEach, before, describe, test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { Operator } from '../support/operator.ts';
import { chatServer, Folder } from '../support/process.ts';
import { type SingleNode, startSingle } from '../support/single.ts';
import { Visitor } from '../support/visitor.ts';

interface Sent {
  readonly token: string;
  readonly data: Record<string, string>;
  readonly authorization: string;
}

/** Gives out access tokens, and answers sends as it is told. */
class Firebase {
  readonly sent: Sent[] = [];
  assertions = 0;
  answer: (token: string) => number = () => 200;
  readonly #server: http.Server;

  private constructor(server: http.Server) {
    this.#server = server;
  }

  static async start(): Promise<Firebase> {
    const server = http.createServer();
    const firebase = new Firebase(server);
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        if (request.url === '/token') {
          firebase.assertions += 1;
          response.end(JSON.stringify(body.includes('assertion=ey') ? { access_token: 'access-1' } : { error: 'no assertion' }));
          return;
        }
        assert.equal(request.url, '/v1/projects/shop/messages:send');
        const { message } = JSON.parse(body) as { message: { token: string; data: Record<string, string> } };
        firebase.sent.push({ ...message, authorization: request.headers.authorization ?? '' });
        response.writeHead(firebase.answer(message.token)).end('{}');
      });
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    return firebase;
  }

  get url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

describe('push notifications', () => {
  let single: SingleNode;
  let firebase: Firebase;
  let operator: Operator;
  const files = new Folder();

  before(async () => {
    firebase = await Firebase.start();
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
    const account = { project_id: 'shop', client_email: 'a@shop.test', private_key: privateKey, token_uri: `${firebase.url}/token` };
    files.write('account.json', JSON.stringify(account));
    single = await startSingle({
      ini: `poll_hold_seconds = 1\nmax_chats_per_operator = 100\npush_fcm_credentials = ${files.path}/account.json\npush_fcm_url = ${firebase.url}/\npush_after_seconds = 2\nhello_message = Hello!`,
    });
    operator = await Operator.login(single.node.url, 'op', 'correct horse');
  });

  afterEach(() => {
    firebase.sent.length = 0;
    firebase.answer = () => 200;
  });

  after(async () => {
    await single.stop();
    firebase.stop();
    files.remove();
  });

  async function app(token: string, query: Record<string, string> = {}): Promise<{ visitor: Visitor; chatId: string }> {
    const visitor = await Visitor.init(single.node.url, { 'push-service': 'fcm', 'push-token': token, ...query });
    await visitor.send('hello', 'hello');
    await visitor.poll();
    const chatId = String((visitor.deltas.find(delta => delta.objectType === 'CHAT')?.data as { id: number } | undefined)?.id);
    assert.equal((await operator.action('chat.take', { chatId })).result, 'ok');
    return { visitor, chatId };
  }

  const say = async (chatId: string, message: string, kind = 'operator'): Promise<void> => {
    const said = await operator.action('chat.message', {
      chatId,
      message,
      clientSideId: `${chatId}-${message.replaceAll(' ', '-')}`,
      kind,
    });
    assert.equal(said.result, 'ok');
  };

  test('what an operator says is pushed when it is not read, in the words of the SDKs, by one access token', async () => {
    const { visitor, chatId } = await app('device-1');
    await say(chatId, 'one');
    await say(chatId, 'note', 'for_operator');
    const form = new FormData();
    form.append('webim_upload_file', new Blob(['among us']), 'note.txt');
    const upload = new URLSearchParams({ chatId, kind: 'for_operator', clientSideId: `${chatId}-file` });
    const headers = { authorization: `Bearer ${operator.token}` };
    assert.equal((await fetch(`${single.node.url}/l/o/upload?${upload.toString()}`, { method: 'POST', body: form, headers })).status, 200);
    await say(chatId, 'two');
    await eventually(() => firebase.sent.length >= 2);
    assert.deepEqual(
      firebase.sent.map(({ token, data, authorization }) => [
        token,
        data['type'],
        JSON.parse(data['params'] ?? '') as string[],
        data['event'],
        authorization,
      ]),
      ['one', 'two'].map(text => ['device-1', 'P.OM', ['Operator op', text, visitor.page.visitor.id], 'add', 'Bearer access-1']),
    );
    assert.deepEqual(firebase.sent[0]?.data['unread_by_visitor_msg_cnt'], '2');
    assert.equal(firebase.assertions, 1);
    assert.equal((visitor.page as unknown as { helloMessageDescr: string }).helloMessageDescr, 'Hello!');
  });

  test('what was read in time is not pushed, nor to an app without a token or of another service', async () => {
    const [reads, without, apple, last] = [
      await app('device-reads'),
      await app('none'),
      await app('apple', { 'push-service': 'apns' }),
      await app('device-last'),
    ];
    for (const { chatId } of [reads, without, apple]) await say(chatId, 'read me');
    await reads.visitor.action('chat.read_by_visitor');
    await say(last.chatId, 'the last one');
    await eventually(() => firebase.sent.length > 0);
    assert.deepEqual(
      firebase.sent.map(({ token }) => token),
      ['device-last'],
    );
  });

  test('what is said to a visitor is not pushed to a device that another one uses since, until the first comes back', async () => {
    const before = await app('device-shared', { 'device-id': 'phone' });
    const after = await app('device-shared', { 'device-id': 'phone' });
    await say(before.chatId, 'for the first one only');
    await say(after.chatId, 'for the second one');
    await eventually(() => firebase.sent.length > 0);
    const saidTo = (): (string | undefined)[] => firebase.sent.map(({ data }) => (JSON.parse(data['params'] ?? '[]') as string[]).at(-1));
    assert.deepEqual(saidTo(), [after.visitor.page.visitor.id]);
    await Visitor.init(single.node.url, {
      'device-id': 'phone',
      'push-service': 'fcm',
      'push-token': 'device-shared',
      visitor: JSON.stringify(before.visitor.page.visitor),
    });
    await say(before.chatId, 'welcome back');
    await eventually(() => saidTo().includes(before.visitor.page.visitor.id));
  });

  test('a token that is good for nothing is forgotten; a service in trouble is asked again', async () => {
    const { visitor, chatId } = await app('device-gone');
    firebase.answer = () => 404;
    await say(chatId, 'are you there?');
    await eventually(async () => {
      const [page] = await single.database.query<{ push_token: string | null }>('select push_token from page where id = $1', [
        visitor.page.pageId,
      ]);
      return page?.push_token === null;
    });
    const other = await app('device-busy');
    let tries = 0;
    firebase.answer = () => (++tries < 2 ? 503 : 200);
    await say(other.chatId, 'again');
    await eventually(() => tries >= 2, { within: 10_000 });
    await eventually(async () => (await single.node.metric('push_notifications_total{outcome="sent"}')) >= 1);
  });

  test('a file that is no service account is a fault of the configuration, told without what is in it', async () => {
    const folder = new Folder();
    folder.write('account.json', '{"private_key": "hush"}');
    folder.write('main.ini', 'push_fcm_credentials = account.json\n');
    const checked = await chatServer(['check-config'], { cwd: folder.path });
    folder.remove();
    assert.equal(checked.code, 78);
    assert.match(checked.stderr, /push_fcm_credentials: account.json is no service account with project_id/);
    assert.ok(!checked.stderr.includes('hush'));
  });
});
