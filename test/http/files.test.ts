/** Files: sent by visitors and operators, seen by those who may, and nothing left of those that are refused. */
import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { crc32 } from '../support/crc32.ts';
import sharp from 'sharp';
import { eventually } from '../support/eventually.ts';
import { Operator } from '../support/operator.ts';
import { checkAnswer } from '../support/sdk/check.ts';
import { type SingleNode, startSingle } from '../support/single.ts';
import { Visitor } from '../support/visitor.ts';

interface FileObject {
  readonly guid: string;
  readonly filename: string;
  readonly content_type: string;
  readonly size: number;
  readonly visitor_id: string;
  readonly image: { readonly size: { readonly width: number; readonly height: number } } | null;
}

interface Answer {
  readonly result?: string;
  readonly error?: string;
  readonly data: FileObject;
}

const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** A picture that says it has so many pixels, in a few bytes. */
function hugePng(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, crc] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    crc.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, crc]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([PNG_SIGNATURE, chunk('IHDR', header), chunk('IDAT', randomBytes(50)), chunk('IEND', Buffer.alloc(0))]);
}

describe('files', () => {
  let single: SingleNode;
  let url: string;
  let operator: Operator;
  const temporary = (): string[] => readdirSync(tmpdir()).filter(name => name.startsWith(`tandem-upload-${single.node.pid}-`));

  before(async () => {
    single = await startSingle({
      ini: 'poll_hold_seconds = 1\nmax_chats_per_operator = 100\nmax_request_megabytes = 2\nupload_min_rate = 10000',
    });
    url = single.node.url;
    operator = await Operator.login(url, 'op', 'correct horse');
    await operator.connect();
  });

  after(async () => {
    operator.close();
    await single.stop();
  });

  async function upload(visitor: Visitor, name: string, content: Buffer, clientSideId: string, type = 'application/octet-stream') {
    const form = new FormData();
    form.set('webim_upload_file', new Blob([content], { type }), name);
    for (const [key, value] of Object.entries({ 'chat-mode': 'online', 'client-side-id': clientSideId, ...visitor.credentials }))
      form.set(key, value);
    const response = await fetch(`${url}/l/v/m/upload`, { method: 'POST', body: form });
    const answer = (await response.json()) as Answer;
    checkAnswer('/l/v/m/upload', {}, answer);
    return { status: response.status, ...answer };
  }

  function link(visitor: Visitor, guid: string, more: Record<string, string> = {}): string {
    const { pageId, authToken } = visitor.page;
    const expires = more['expires'] ?? String(Math.floor(Date.now() / 1_000) + 300);
    const hash = createHmac('sha256', authToken)
      .update(guid + expires)
      .digest('hex');
    return `${url}/l/v/m/download/${guid}/any+name?${new URLSearchParams({ 'page-id': pageId, expires, hash, ...more }).toString()}`;
  }

  const rows = async (): Promise<number> => {
    const [row] = await single.database.query<{ count: string }>(
      'select (select count(*) from file) + (select count(*) from file_piece) as count',
    );
    return Number(row?.count);
  };

  test('a visitor sends a picture: both see it as a message, upright and small in lists, as it was when downloaded', async () => {
    const visitor = await Visitor.init(url);
    const photo = await sharp({ create: { width: 900, height: 600, channels: 3, background: 'teal' } })
      .withExif({ IFD0: { Copyright: 'a secret place' } })
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer();
    const { data, ...sent } = await upload(visitor, 'Foto 1.JPG', photo, 'f-1', 'image/jpeg');
    assert.equal(sent.result, 'ok');
    assert.deepEqual([data.filename, data.content_type, data.size], ['Foto 1.JPG', 'image/jpeg', photo.length]);
    assert.deepEqual(data.image, { size: { width: 600, height: 900 } }, 'as it is looked at');
    await visitor.poll();
    const message = visitor.deltas.find(delta => delta.objectType === 'CHAT_MESSAGE')?.data as
      | { kind: string; text: string; clientSideId: string; data: { file: { state: string; desc: FileObject } } }
      | undefined;
    assert.deepEqual([message?.kind, message?.clientSideId, message?.data.file.state], ['file_visitor', 'f-1', 'ready']);
    assert.deepEqual(JSON.parse(message?.text ?? ''), data);
    assert.deepEqual(message?.data.file.desc, data);

    const whole = await fetch(link(visitor, data.guid));
    assert.deepEqual(Buffer.from(await whole.arrayBuffer()), photo);
    assert.deepEqual([whole.headers.get('content-type'), whole.headers.get('x-content-type-options')], ['image/jpeg', 'nosniff']);
    assert.match(String(whole.headers.get('content-disposition')), /^attachment; filename="Foto 1.JPG"/);
    const small = await fetch(link(visitor, data.guid, { thumb: 'ios' }));
    const picture = Buffer.from(await small.arrayBuffer());
    const { width, height, orientation, exif } = await sharp(picture).metadata();
    assert.deepEqual([width, height, orientation, exif], [267, 400, undefined, undefined], 'turned, reduced, without what the camera said');
    const asOperator = { headers: { authorization: `Bearer ${operator.token}` } };
    const seen = await fetch(`${url}/l/o/download/${data.guid}/x.jpg`, asOperator);
    assert.deepEqual(Buffer.from(await seen.arrayBuffer()), photo);
    assert.equal((await fetch(`${url}/l/o/download/${data.guid}/x.jpg`)).status, 401);
  });

  test('an operator sends a file into his chat, and the visitor gets it', async () => {
    const visitor = await Visitor.init(url);
    await visitor.send('send me the bill', 'm');
    await visitor.poll();
    const chatId = String((visitor.deltas.find(delta => delta.objectType === 'CHAT')?.data as { id: number } | undefined)?.id);
    assert.equal((await operator.action('chat.take', { chatId })).result, 'ok');
    const bill = Buffer.concat([Buffer.from('%PDF-1.7\n'), randomBytes(700_000)]);
    const send = async (chat: string): Promise<Answer & { status: number }> => {
      const form = new FormData();
      form.set('webim_upload_file', new Blob([bill]), 'Счёт № 7.pdf');
      form.set('chatId', chat);
      form.set('clientSideId', 'bill');
      const response = await fetch(`${url}/l/o/upload`, {
        method: 'POST',
        body: form,
        headers: { authorization: `Bearer ${operator.token}` },
      });
      return { status: response.status, ...((await response.json()) as Answer) };
    };
    const { data } = await send(chatId);
    assert.deepEqual([data.filename, data.size, data.image], ['Счёт № 7.pdf', bill.length, null]);
    const file = await eventually(async () => {
      await visitor.poll();
      const found = visitor.deltas.find(delta => (delta.data as { kind?: string } | null)?.kind === 'file_operator');
      return (found?.data as unknown as { text: string } | undefined) ?? false;
    });
    assert.deepEqual(JSON.parse(file.text), data);
    assert.deepEqual(Buffer.from(await (await fetch(link(visitor, data.guid))).arrayBuffer()), bill);
    assert.equal((await send('999999')).error, 'chat-not-found');
  });

  test('an upload that is sent again is the same file and the same message', async () => {
    const visitor = await Visitor.init(url);
    const first = await upload(visitor, 'a.txt', Buffer.from('one'), 'again');
    const second = await upload(visitor, 'b.txt', Buffer.from('two!'), 'again');
    assert.deepEqual(second.data, first.data);
    const [row] = await single.database.query<{ count: string }>('select count(*) from message where visitor_id = $1', [
      visitor.page.visitor.id,
    ]);
    assert.equal(row?.count, '1');
  });

  test('forged, expired and other people’s links are refused; a deleted message takes its file along', async () => {
    const [visitor, other] = [await Visitor.init(url), await Visitor.init(url)];
    const { data } = await upload(visitor, 'a.txt', Buffer.from('mine'), 'mine');
    const status = async (address: string): Promise<number> => (await fetch(address)).status;
    assert.equal(await status(link(visitor, data.guid)), 200);
    assert.equal(await status(link(visitor, data.guid, { hash: '0'.repeat(64) })), 403, 'forged');
    assert.equal(await status(link(visitor, data.guid, { hash: `${'0'.repeat(63)}é` })), 403, 'as long in characters, not in bytes');
    assert.equal(await status(link(visitor, data.guid, { expires: '1700000000' })), 403, 'expired');
    assert.equal(await status(link(visitor, data.guid).replace(/expires=\d/, 'expires=9')), 403, 'made to live longer');
    assert.equal(await status(link(other, data.guid)), 404, 'another visitor');
    assert.equal(await status(link(visitor, '0'.repeat(32))), 404, 'no such file');
    assert.equal(await status(`${url}/l/v/m/download/${data.guid}/a.txt`), 400, 'no secret at all');
    assert.equal(
      await status(link(visitor, data.guid).replace('any+name', '%2e%2e%2f%2e%2e%2fetc%2fpasswd%ff')),
      200,
      'the name plays no role',
    );
    assert.deepEqual(await visitor.get('/l/v/file-delete', { guid: data.guid }), { error: 'file-has-been-sent' });
    assert.deepEqual(await other.get('/l/v/file-delete', { guid: data.guid }), { error: 'file_not_found' });
    assert.equal((await visitor.action('chat.delete_message', { 'client-side-id': 'mine' })).result, 'ok');
    assert.equal(await status(link(visitor, data.guid)), 404, 'deleted');
  });

  test('a link lives for an hour at most', async () => {
    const visitor = await Visitor.init(url);
    const { data } = await upload(visitor, 'a.txt', Buffer.from('mine'), 'mine');
    const now = Math.floor(Date.now() / 1_000);
    const cases: [string, number][] = [
      [String(now + 300), 200],
      [String(now + 3_500), 200],
      [String(now + 3_700), 403],
      [String(now + 86_400), 403],
      ['99999999999999999999', 403],
      [`${now + 300}.5`, 200],
      [String(now - 10), 403],
      ['0', 403],
      ['1e9', 400],
      ['', 400],
    ];
    for (const [expires, status] of cases) assert.equal((await fetch(link(visitor, data.guid, { expires }))).status, status, expires);
  });

  test('names are names: no path, no control characters, not too long', async () => {
    const visitor = await Visitor.init(url);
    const names = [
      '../../../etc/passwd.txt',
      'C:\\Windows\\system.txt',
      'a\u0000b\u202Etxt.txt',
      `${'x'.repeat(400)}.txt`,
      '.txt',
      'Ж 💬.txt',
    ];
    const stored: string[] = [];
    for (const [i, name] of names.entries()) stored.push((await upload(visitor, name, Buffer.from('x'), `n-${i}`)).data.filename);
    assert.deepEqual(stored, ['passwd.txt', 'system.txt', 'abtxt.txt', `${'x'.repeat(180)}.txt`, '.txt', 'Ж 💬.txt']);
  });

  test('what is not allowed or not what it says is refused, and nothing is left of it', async () => {
    const visitor = await Visitor.init(url);
    const before = await rows();
    const zip = Buffer.concat([Buffer.from('PK\u0003\u0004'), randomBytes(200)]);
    const cases: [string, Buffer, number, string][] = [
      ['setup.exe', Buffer.from('MZ'), 415, 'not_allowed_file_type'],
      ['page.html', Buffer.from('<script>'), 415, 'not_allowed_file_type'],
      ['noextension', Buffer.from('x'), 415, 'not_allowed_file_type'],
      ['holiday.png', zip, 415, 'not_matching_magic_numbers'],
      ['notes.txt', zip, 415, 'not_matching_magic_numbers'],
      ['notes.txt', Buffer.from('a\u0000b'), 415, 'not_matching_magic_numbers'],
      ['torn.png', Buffer.concat([PNG_SIGNATURE, randomBytes(100)]), 415, 'not_matching_magic_numbers'],
      ['bomb.png', hugePng(60_000, 60_000), 415, 'malicious_file_detected'],
      ['empty.txt', Buffer.alloc(0), 200, 'file_size_too_small'],
      ['large.txt', Buffer.alloc(2_100_000, 'x'), 413, 'max_file_size_exceeded'],
    ];
    for (const [name, content, status, error] of cases) {
      const answer = await upload(visitor, name, content, `bad-${name}`);
      assert.deepEqual([answer.status, answer.error], [status, error], name);
    }
    const stranger = await Visitor.init(url);
    stranger.page = { ...stranger.page, authToken: 'f'.repeat(32) };
    assert.equal((await upload(stranger, 'a.txt', Buffer.from('x'), 'x')).error, 'reinit-required');
    const odd = await fetch(`${url}/l/v/m/upload`, { method: 'POST', body: 'x', headers: { 'content-type': 'text/plain' } });
    assert.equal(((await odd.json()) as Answer).error, 'wrong-argument-value');
    const cut = await fetch(`${url}/l/v/m/upload`, {
      method: 'POST',
      body: '--b\r\nContent-Disposition: form-data; name="webim_upload_file"; filename="a.txt"\r\n\r\nabc',
      headers: { 'content-type': 'multipart/form-data; boundary=b' },
    });
    assert.equal(((await cut.json()) as Answer).error, 'wrong-argument-value');
    await eventually(() => temporary().length === 0);
    assert.equal(await rows(), before, 'no row is left');
    await visitor.poll();
    assert.equal(visitor.deltas.length, 0, 'no message, no chat');
  });

  test('an upload that names two senders, wherever, or brings two files is refused, and nothing is left of it', async () => {
    const [one, other] = [await Visitor.init(url), await Visitor.init(url)];
    const before = await rows();
    const credentials = (visitor: Visitor): [string, string][] => Object.entries(visitor.credentials);
    const file: [string, Blob] = ['webim_upload_file', new Blob(['hello'])];
    const id: [string, string] = ['client-side-id', 'two-1'];
    const send = async (query: [string, string][], parts: [string, string | Blob][]): Promise<unknown> => {
      const form = new FormData();
      for (const [name, value] of parts) {
        if (typeof value === 'string') form.append(name, value);
        else form.append(name, value, 'a.txt');
      }
      const response = await fetch(`${url}/l/v/m/upload?${new URLSearchParams(query).toString()}`, { method: 'POST', body: form });
      const { error, argumentName, result } = (await response.json()) as Record<string, unknown>;
      return error === undefined ? result : [error, argumentName];
    };
    const [mine, others] = [credentials(one), credentials(other)];
    const [twoPages, twoFiles] = [
      ['wrong-argument-value', 'page-id'],
      ['wrong-argument-value', 'webim_upload_file'],
    ];
    for (const [name, query, parts, expected] of [
      ['the query and a part behind the file', mine, [id, file, ...others], twoPages],
      ['the query and a part before the file', mine, [id, ...others, file], twoPages],
      ['parts before and behind the file', [], [id, ...mine, file, ...others], ['wrong-argument-value', 'body']],
      ['two files', mine, [id, file, file], twoFiles],
      ['two files, one of another name behind', mine, [id, file, ['other', new Blob(['x'])]], twoFiles],
      ['two files, one of another name before', mine, [id, ['other', new Blob(['x'])], file], twoFiles],
    ] as [string, [string, string][], [string, string | Blob][], unknown][])
      assert.deepEqual(await send(query, parts), expected, name);
    assert.deepEqual([await rows(), temporary()], [before, []]);
    assert.equal(await send(mine, [...mine, id, file, ...mine]), 'ok', 'the same page, said again');
  });

  test('uploads that trickle in are cut after half a minute, and those who chat meanwhile do not notice', { timeout: 60_000 }, async t => {
    const visitor = await Visitor.init(url);
    const before = await rows();
    const speak = async (i: number): Promise<number> => {
      const from = performance.now();
      await visitor.send(`word ${i}`, `word-${i}`);
      return performance.now() - from;
    };
    const p99 = (times: number[]): number => times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? Number.NaN;
    const calm: number[] = [];
    for (let i = 0; i < 100; i++) calm.push(await speak(i));
    const closed: number[] = [];
    const refused: number[] = [];
    const started = performance.now();
    const sockets = Array.from({ length: 20 }, () => {
      const socket = net.connect(single.node.port, '127.0.0.1').on('error', () => undefined);
      socket.write(
        'POST /l/v/m/upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n' +
          '--b\r\nContent-Disposition: form-data; name="webim_upload_file"; filename="a.txt"\r\n\r\n',
      );
      const timer = setInterval(() => socket.write('x'.repeat(1_000)), 500);
      let answer = '';
      socket.on('data', data => (answer += String(data)));
      socket.once('close', () => {
        clearInterval(timer);
        (answer.startsWith('HTTP/1.1 502') ? refused : closed).push(performance.now() - started);
      });
      return socket;
    });
    const times: number[] = [];
    for (let i = 100; closed.length + refused.length < sockets.length; i++) {
      times.push(await speak(i));
      await new Promise(resolve => setTimeout(resolve, 50));
    }
    const [before99, during99] = [p99(calm), p99(times)];
    t.diagnostic(
      `cut after ${Math.round(closed[0] ?? 0)} to ${Math.round(closed.at(-1) ?? 0)} ms; p99 of messages ${before99.toFixed(1)} ms before, ${during99.toFixed(1)} ms meanwhile`,
    );
    assert.deepEqual([closed.length, refused.length], [3, 17], 'of an address whose senders are not known three are read');
    assert.ok((refused.at(-1) ?? 0) <= 15_000, `the others are cut soon: after ${String(refused.at(-1))} ms`);
    assert.ok((closed[0] ?? 0) >= 25_000 && (closed.at(-1) ?? 0) <= 40_000, `cut after ${String(closed[0])} ms`);
    assert.ok(during99 < Math.max(100, 3 * before99), `p99 ${during99} ms, ${before99} ms before`);
    await eventually(() => temporary().length === 0);
    assert.equal(await rows(), before);
  });
});

describe('files that an app sends together', () => {
  let single: SingleNode;
  let url: string;

  before(async () => {
    single = await startSingle({ ini: 'poll_hold_seconds = 1\nupload_messages = together' });
    url = single.node.url;
  });

  after(() => single.stop());

  async function upload(visitor: Visitor, id: string): Promise<FileObject> {
    const form = new FormData();
    form.set('webim_upload_file', new Blob([`content of ${id}`]), `${id}.txt`);
    for (const [key, value] of Object.entries({ 'client-side-id': id, ...visitor.credentials })) form.set(key, value);
    const response = await fetch(`${url}/l/v/m/upload`, { method: 'POST', body: form });
    return ((await response.json()) as Answer).data;
  }

  test('are kept until one message names them, in either form that SDKs use; what was not sent can be taken back', async () => {
    const [visitor, other] = [await Visitor.init(url), await Visitor.init(url)];
    const [a, b, c] = [await upload(visitor, 'a'), await upload(visitor, 'b'), await upload(visitor, 'c')];
    const send = (from: Visitor, id: string, files: object[]) =>
      from.action('chat.message', { kind: 'file_visitor', 'client-side-id': id, message: JSON.stringify(files) });
    assert.equal((await send(other, 'thief', [a])).error, 'file_not_found');
    const androids = { contentType: 'text/plain', filename: 'b.txt', localPath: b.guid, url: `${url}/l/v/m/download/${b.guid}/b.txt` };
    assert.deepEqual(await send(visitor, 'both', [a, androids]), { result: 'ok' });
    assert.deepEqual(await send(visitor, 'both', [a, androids]), { result: 'ok' }, 'a repeat');
    await visitor.poll();
    const messages = visitor.deltas
      .filter(delta => delta.objectType === 'CHAT_MESSAGE')
      .map(delta => delta.data as { kind: string; text: string });
    assert.deepEqual(
      messages.map(({ kind, text }) => [kind, JSON.parse(text) as object]),
      [['file_visitor', [a, b]]],
    );
    assert.equal((await send(visitor, 'again', [a])).error, 'file_not_found', 'sent already');
    for (const wrong of [[], Array.from({ length: 11 }, () => a), [c, c]])
      assert.equal((await send(visitor, 'wrong', wrong)).error, 'wrong-argument-value');
    assert.deepEqual(await other.get('/l/v/file-delete', { guid: c.guid }), { error: 'file_not_found' });
    assert.deepEqual(await visitor.get('/l/v/file-delete', { guid: c.guid }), { result: 'ok' });
    assert.deepEqual(await visitor.get('/l/v/file-delete', { guid: c.guid }), { error: 'file_not_found' });
    assert.deepEqual(await visitor.get('/l/v/file-delete', { guid: a.guid }), { error: 'file-has-been-sent' });
    const [rows] = await single.database.query<{ count: number }>('select count(*)::int from file');
    assert.equal(rows?.count, 2);
  });
});
