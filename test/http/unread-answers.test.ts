/** Answers that nobody reads: how much may wait, whose it is, and what becomes of it. Over real sockets, with answers larger than these hold. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ChatError } from '../../src/domain/error.ts';
import type { Reader } from '../../src/http/byte-pace.ts';
import { READING_PACE, type ReadingPace, UNREAD_BOUNDS, UnreadAnswers } from '../../src/http/unread-answers.ts';
import { createMetrics } from '../../src/system/metrics.ts';
import { eventually } from '../support/eventually.ts';

const ANSWER_BYTES = 12 * 1_048_576;
const MIB = 1_048_576;
/** The promise, 40 times as fast: the same 2 MiB may be asked of a reader's buffers at once. */
const PACE: ReadingPace = { bytesPerSecond: 40 * READING_PACE.bytesPerSecond, stillMs: READING_PACE.stillMs / 40 };

describe('answers that nobody reads', () => {
  const metrics = createMetrics();
  let unread: UnreadAnswers;
  const sockets = new Set<net.Socket>();
  let server: http.Server;
  let port: number;

  before(async () => {
    server = http.createServer((request, response) => {
      const [, kind, id, address] = (request.url ?? '').split('/') as [string, Reader['kind'], string, string];
      const isFile = id === 'file';
      const send = isFile
        ? unread.stream(response, { kind, id, address }, pieces(), () => response.writeHead(200))
        : unread.answer(response, { kind, id, address: kind === 'operator' ? undefined : address }, () =>
            Promise.resolve(JSON.stringify({ text: 'x'.repeat(ANSWER_BYTES) })),
          );
      send.catch((error: unknown) =>
        response.writeHead(error instanceof ChatError && ['unavailable', 'rate-limited'].includes(error.code) ? 502 : 500).end(),
      );
    });
    await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });

  beforeEach(() => {
    unread = new UnreadAnswers(metrics, PACE);
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
    unread = new UnreadAnswers(metrics, { ...PACE, stillMs: 20_000 }); // longer than it takes to fill them all
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

    await eventually(() => unread.bytes === 0, { within: 45_000 });
    assert.equal((await read('visitor', 'v-new', '198.51.100.1')).status, 200, 'and there is room again');
    assert.match(await metrics.text(), /http_unread_cut_total\{what="answer"\} [1-9]/);
    assert.match(await metrics.text(), /http_unread_refused_total\{whose="address"\} [1-9]/);
  });

  /** Reads at this rate; resolves with how much it got, once it has `all` or is cut. */
  const readAt = (socket: net.Socket, bytesPerSecond: number, all: number): Promise<number> =>
    new Promise(resolve => {
      let bytes = 0;
      const startedMs = performance.now();
      socket.on('data', data => {
        bytes += data.length;
        if (bytes >= all) return resolve(bytes);
        socket.pause();
        setTimeout(() => socket.resume(), Math.max(0, startedMs + (bytes / bytesPerSecond) * 1_000 - performance.now()));
      });
      socket.once('close', () => resolve(bytes));
      socket.resume();
    });

  for (const [what, id] of [
    ['an answer', 'slow'],
    ['a file', 'file'],
  ] as const) {
    test(`who reads ${what} at the least rate gets all of it, however large the steps in which the kernel makes room`, async () => {
      const all = 12 * MIB;
      const bytes = await readAt(ask('visitor', id, '203.0.113.1'), 1.1 * PACE.bytesPerSecond, all);
      assert.ok(bytes >= all, `${bytes} bytes of ${all}`);
      await eventually(() => unread.bytes === 0);
    });
  }

  test('a file waits with one piece, and is cut when it is not read', async () => {
    const socket = ask('visitor', 'file', '203.0.113.2');
    await eventually(() => unread.bytes > 0);
    assert.equal(unread.bytes, 262_144);
    await eventually(() => unread.bytes === 0, { within: 25_000 });
    await isCut(socket);
    assert.match(await metrics.text(), /http_unread_cut_total\{what="file"\} 1/);
  });

  test('a file whose reader takes a little again and again, but too little on the whole, is cut too', async () => {
    const strict = new UnreadAnswers(metrics, { bytesPerSecond: 100 * MIB, stillMs: 2_000 });
    const written: number[] = [];
    const request = { socket: Object.assign(new EventEmitter(), { destroyed: false, destroy: () => response.emit('close') }) };
    // A socket that takes a piece each second.
    const response = Object.assign(new EventEmitter(), {
      req: request,
      destroyed: false,
      write(piece: Buffer, taken: () => void) {
        written.push(piece.length);
        setTimeout(taken, 1_000);
      },
      end: () => undefined,
    });
    const reader = { kind: 'visitor', id: 'drops', address: '203.0.113.3' } as const;
    await strict.stream(response as unknown as http.ServerResponse, reader, pieces(), () => undefined);
    assert.ok(written.length >= 2 && written.length <= 3, `${written.length} pieces`);
    assert.equal(strict.bytes, 0);
  });

  test('of an answer that waits only its bytes are kept, not what it was made of', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const heap = (): number => {
      collect();
      return process.memoryUsage().heapUsed;
    };
    const before = heap();
    for (let i = 0; i < 6; i++) ask('visitor', `made-${i}`, `198.51.100.${i}`);
    await eventually(() => unread.bytes > 6 * ANSWER_BYTES - MIB);
    const more = heap() - before;
    assert.ok(unread.bytes > 5 * ANSWER_BYTES, 'they wait still');
    assert.ok(more < 2 * ANSWER_BYTES, `${(more / MIB).toFixed(0)} MiB beside ${(unread.bytes / MIB).toFixed(0)} MiB that are counted`);
    for (const socket of sockets) socket.destroy();
    await eventually(() => unread.bytes === 0);
  });

  test('room is kept while an answer is made, and given back afterwards', async () => {
    const own = new UnreadAnswers(createMetrics(), PACE);
    const response = new http.ServerResponse(new http.IncomingMessage(new net.Socket()));
    const reader = { kind: 'visitor', id: 'made', address: '203.0.113.4' } as const;
    let whileMade = 0;
    await own.answer(response, reader, () => {
      whileMade = own.bytes;
      return Promise.resolve({ small: true });
    });
    assert.deepEqual([whileMade, own.bytes], [MIB, 0]);
    const failing = own.answer(response, reader, () => Promise.reject(new Error('no')));
    await assert.rejects(failing, /no/);
    assert.equal(own.bytes, 0);
  });
});
