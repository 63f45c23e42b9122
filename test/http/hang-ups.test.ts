/** Clients that hang up early, at each stage of what they send: whatever was kept for them is given back at once. Over real sockets. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { BodyReader } from '../../src/http/body-reader.ts';
import { HeldPolls } from '../../src/http/held-polls.ts';
import { UploadReader, type UploadSender } from '../../src/http/upload-reader.ts';
import { createMetrics } from '../../src/system/metrics.ts';
import { HeldByVisitors } from '../../src/sessions/held-by-visitors.ts';
import { eventually } from '../support/eventually.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

const HEAD = 'Host: x\r\nContent-Type: multipart/form-data; boundary=b\r\n';
const PART = '--b\r\nContent-Disposition: form-data; name="client-side-id"\r\n\r\na-1\r\n';
const FILE = '--b\r\nContent-Disposition: form-data; name="webim_upload_file"; filename="a.txt"\r\n\r\n';
const END = '\r\n--b--\r\n';

const long = (sent: string): string => `POST / HTTP/1.1\r\n${HEAD}Content-Length: 1000000\r\n\r\n${sent}`;
const whole = (sent: string): string => `POST / HTTP/1.1\r\n${HEAD}Content-Length: ${sent.length}\r\n\r\n${sent}`;

const closed = (request: IncomingMessage): Promise<void> => new Promise(resolve => void request.once('close', () => resolve()));

describe('who hangs up', () => {
  const metrics = createMetrics();
  const uploads = new UploadReader({ maxBytes: 2_000_000, minBytesPerSecond: 0, metrics });
  const bodies = new BodyReader(1_000_000, metrics);
  const folders = (): string[] => readdirSync(tmpdir()).filter(name => name.startsWith(`tandem-upload-${process.pid}-`));
  const metric = async (name: string): Promise<number> => {
    const lines = (await metrics.text()).split('\n');
    return Number(lines.find(line => line.startsWith(`chat_${name} `))?.split(' ')[1]);
  };
  let server: http.Server;
  let handler: Handler;
  let failures: unknown[] = [];

  before(async () => {
    server = http.createServer((request, response) => {
      handler(request, response)
        .catch((error: unknown) => void failures.push(error))
        .finally(() => response.end());
    });
    await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve));
  });

  after(() => server.close());

  async function connect(sent: string): Promise<net.Socket> {
    const socket = net.connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined);
    await once(socket, 'connect');
    socket.write(sent);
    return socket;
  }

  const first = { kind: 'head', address: '192.0.2.1' } as const;
  const sender: UploadSender = { first, identify: () => Promise.resolve({ kind: 'unknown', address: '192.0.2.1' }) };
  const atOnce: Handler = request => uploads.with(request, sender, () => Promise.resolve());
  /** As a route that looks something up first, for so long that the client has gone meanwhile. */
  const afterClose: Handler = async request => {
    await closed(request);
    await atOnce(request, undefined as never);
  };
  /** The client goes in the moment in which the folder is made. */
  const atFolder: Handler = request => {
    const reading = uploads.with(request, sender, () => Promise.resolve());
    request.socket.destroy();
    return reading;
  };

  const stages: readonly (readonly [name: string, handler: Handler, sent: string])[] = [
    ['before it is looked at, with its head alone', afterClose, long('')],
    ['before it is looked at, in the middle of its file', afterClose, long(`${FILE}some`)],
    ['before it is looked at, with all of it sent', afterClose, whole(`${PART}${FILE}some${END}`)],
    ['before it is looked at, with an empty body', afterClose, `POST / HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['while its folder is made', atFolder, long('')],
    ['while its folder is made, with all of it sent', atFolder, whole(`${PART}${FILE}some${END}`)],
    ['after its head', atOnce, long('')],
    ['between its parts', atOnce, long(`${PART}--b\r\nContent-Disp`)],
    ['in the middle of its file', atOnce, long(`${PART}${FILE}some of it`)],
  ];
  for (const [name, handle, sent] of stages) {
    for (const how of ['end', 'reset'] as const) {
      test(`an upload, ${name}, by ${how}: its place and folder are given back, and nothing is counted as slow`, async () => {
        failures = [];
        handler = handle;
        const begun = once(server, 'request');
        const socket = await connect(sent);
        await begun;
        if (handle === atOnce) await eventually(async () => assert.deepEqual([await metric('uploads_reading'), folders().length], [1, 1]));
        if (how === 'end') socket.destroy();
        else socket.resetAndDestroy();
        await eventually(() => failures.length === 1, { within: 3_000 });
        assert.deepEqual([await metric('uploads_reading'), folders()], [0, []]);
        assert.doesNotMatch(await metrics.text(), /uploads_refused_total\{why="(slow|late)"\} [1-9]/);
      });
    }
  }

  test('an upload whose sender is still looked up: its place is given back at once, and none is taken when it is known', async () => {
    failures = [];
    let known = (): void => undefined;
    let isAsked = false;
    const identify: UploadSender['identify'] = () => {
      isAsked = true;
      return new Promise(resolve => (known = () => resolve({ kind: 'unknown', address: '192.0.2.1' })));
    };
    handler = request => uploads.with(request, { first, identify }, () => Promise.resolve());
    const socket = await connect(long(`${PART}${FILE}some of it`));
    await eventually(() => isAsked);
    socket.resetAndDestroy();
    await eventually(() => failures.length === 1, { within: 3_000 });
    assert.deepEqual([await metric('uploads_reading'), folders()], [0, []]);
    known();
    await new Promise(resolve => setImmediate(resolve));
    assert.deepEqual([await metric('uploads_reading'), folders()], [0, []]);
  });

  test('and the next one uploads as ever', async () => {
    failures = [];
    let size = 0;
    handler = request =>
      uploads.with(request, sender, ({ file }) => {
        ({ size } = file);
        return Promise.resolve();
      });
    const socket = await connect(whole(`${PART}${FILE}${'x'.repeat(700_000)}${END}`));
    await once(socket.resume(), 'data');
    socket.destroy();
    assert.deepEqual([failures, size, await metric('uploads_reading'), folders()], [[], 700_000, 0, []]);
  });

  for (const [name, sent] of [
    ['short', long('').replace('1000000', '500')],
    ['short and all of it', whole('hello')],
    ['long', long('hello')],
    ['chunked', `POST / HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`],
  ] as const) {
    test(`a body, ${name}, before it is read: it is refused at once, and not counted as slow`, async () => {
      failures = [];
      handler = async (request, response) => {
        await closed(request);
        await bodies.read(request, response);
      };
      const begun = once(server, 'request');
      const socket = await connect(sent);
      await begun;
      socket.destroy();
      await eventually(() => failures.length === 1, { within: 3_000 });
      assert.equal((failures[0] as { status?: number }).status, 400);
      assert.equal(await metric('http_bodies_bytes'), 0);
    });
  }

  test('a poll, before it is held: it is given up at once', async () => {
    const held = new HeldPolls(new HeldByVisitors({ what: 'polls', perAddress: 1, metrics }));
    let isOver = false;
    handler = async (request, response) => {
      await closed(request);
      await new Promise<void>(resolve => void held.add(response, resolve));
      isOver = true;
    };
    const begun = once(server, 'request');
    const socket = await connect('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await begun;
    socket.destroy();
    await eventually(() => isOver, { within: 3_000 });
  });
});
