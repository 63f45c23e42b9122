/** Answers that nobody reads: how much may wait, whose it is, and what becomes of it. Over real sockets, with answers larger than these hold. */
import assert from 'node:assert/strict';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { ChatError } from '../../src/domain/error.ts';
import { type Reader, UNREAD_BOUNDS, UnreadAnswers } from '../../src/http/unread-answers.ts';
import { createMetrics } from '../../src/metrics.ts';
import { eventually } from '../support/eventually.ts';

const ANSWER_BYTES = 12 * 1_048_576;
const MIB = 1_048_576;

describe('answers that nobody reads', () => {
  const metrics = createMetrics();
  const unread = new UnreadAnswers(metrics);
  const sockets = new Set<net.Socket>();
  let server: http.Server;
  let port: number;

  before(async () => {
    const body = JSON.stringify({ text: 'x'.repeat(ANSWER_BYTES) });
    server = http.createServer((request, response) => {
      const [, kind, id, address] = (request.url ?? '').split('/') as [string, Reader['kind'], string, string];
      const isFile = id === 'file';
      const send = isFile
        ? unread.stream(response, { kind, id, address }, pieces(), () => response.writeHead(200))
        : unread.answer(response, { kind, id, address: kind === 'operator' ? undefined : address }, () => Promise.resolve(body));
      send.catch((error: unknown) =>
        response.writeHead(error instanceof ChatError && ['unavailable', 'rate-limited'].includes(error.code) ? 502 : 500).end(),
      );
    });
    await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });

  after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  async function* pieces(): AsyncGenerator<Buffer> {
    for (let i = 0; i < 48; i++) yield await Promise.resolve(Buffer.alloc(262_144));
  }

  /** Asks and does not read. */
  function ask(kind: string, id: string, address: string): net.Socket {
    const socket = net.connect(port, '127.0.0.1').on('error', () => undefined);
    sockets.add(socket);
    socket.write(`GET /${kind}/${id}/${address} HTTP/1.1\r\nHost: x\r\n\r\n`);
    socket.pause();
    return socket;
  }

  const read = async (kind: string, id: string, address: string): Promise<{ status: number; bytes: number }> => {
    const response = await fetch(`http://127.0.0.1:${port}/${kind}/${id}/${address}`);
    return { status: response.status, bytes: (await response.arrayBuffer()).byteLength };
  };

  const isCut = (socket: net.Socket): Promise<void> =>
    new Promise(resolve => {
      socket.once('close', () => resolve());
      socket.resume();
    });

  test('fill the share of visitors and no more, an address a third of it; operators are answered meanwhile; who reads nothing is cut', async () => {
    for (let i = 0; i < 10; i++) ask('visitor', `same-${i}`, '192.0.2.1');
    await eventually(() => unread.bytes > 2 * ANSWER_BYTES - MIB);
    assert.ok(unread.bytes <= UNREAD_BOUNDS.address, `${unread.bytes} bytes of one address`);
    assert.equal((await read('visitor', 'same-new', '192.0.2.1')).status, 502);

    for (let i = 0; i < 40; i++) ask('visitor', `v-${i}`, `192.0.2.${i + 2}`);
    await eventually(() => unread.bytes > UNREAD_BOUNDS.visitors - ANSWER_BYTES);
    assert.ok(unread.bytes <= UNREAD_BOUNDS.visitors, `${unread.bytes} bytes of visitors`);
    assert.equal((await read('visitor', 'v-new', '198.51.100.1')).status, 502);

    const answered = await read('operator', '1', '');
    assert.ok(answered.status === 200 && answered.bytes > ANSWER_BYTES, 'operators have a share of their own');
    ask('operator', '2', '');
    await eventually(() => unread.bytes > UNREAD_BOUNDS.visitors);
    assert.equal((await read('operator', '2', '')).status, 502, 'one who does not read is told to try later');
    assert.ok(unread.bytes <= UNREAD_BOUNDS.node);

    await eventually(() => unread.bytes === 0, { within: 25_000 });
    assert.equal((await read('visitor', 'v-new', '198.51.100.1')).status, 200, 'and there is room again');
    assert.match(await metrics.text(), /http_unread_cut_total\{what="answer"\} [1-9]/);
    assert.match(await metrics.text(), /http_unread_refused_total\{whose="address"\} [1-9]/);
  });

  test('who reads slowly, but at the least rate, gets all of it', { timeout: 60_000 }, async () => {
    const socket = ask('visitor', 'slow', '203.0.113.1');
    let bytes = 0;
    await new Promise<void>(resolve => {
      socket.on('data', data => {
        bytes += data.length;
        socket.pause();
        setTimeout(() => socket.resume(), 20);
        if (bytes > ANSWER_BYTES) resolve();
      });
      socket.once('close', () => resolve());
      socket.resume();
    });
    assert.ok(bytes > ANSWER_BYTES);
    await eventually(() => unread.bytes === 0);
  });

  test('a file waits with one piece, and is cut when it is not read', { timeout: 60_000 }, async () => {
    const socket = ask('visitor', 'file', '203.0.113.2');
    await eventually(() => unread.bytes > 0);
    assert.equal(unread.bytes, 262_144);
    await eventually(() => unread.bytes === 0, { within: 45_000 });
    await isCut(socket);
    assert.match(await metrics.text(), /http_unread_cut_total\{what="file"\} 1/);
  });
});
