/** WebSockets that come to nothing: nothing is left of them, however little the other side does. */
import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import WebSocket from 'ws';
import { createMetrics } from '../../src/system/metrics.ts';
import { WsServer } from '../../src/ws/server.ts';
import { eventually } from '../support/eventually.ts';

describe('an upgrade', () => {
  const server = http.createServer();
  const sockets = new Set<net.Socket>();
  let came = 0;
  const authenticateOperator = (): Promise<never> => new Promise<never>(() => undefined);
  const services = { limits: { maxActionBytes: 1_000, wsBufferBytes: 1_000 }, admission: { webSocket: () => undefined } };
  const metrics = createMetrics();
  const ws = new WsServer({
    services: services as never,
    metrics,
    authenticateOperator,
    addressOf: () => '127.0.0.1',
    maxPerAddress: 100,
    acceptWithinMs: 200,
  });
  let port: number;

  before(async () => {
    server.on('connection', socket => {
      came += 1;
      sockets.add(socket.once('close', () => sockets.delete(socket)));
    });
    ws.start(server);
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as net.AddressInfo).port;
  });

  after(() => {
    ws.stop();
    server.closeAllConnections();
    server.close();
  });

  /** Says this and no more: it neither reads nor closes its side. */
  function say(path: string, more: string): net.Socket {
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => undefined).pause();
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${more}\r\n`);
    return socket;
  }

  for (const [title, path, more] of [
    ['to a path that is not there', '/ws/nowhere', ''],
    ['without a key', '/ws/o/delta', 'Sec-WebSocket-Version: 13\r\n'],
    ['of another version', '/ws/o/delta', 'Sec-WebSocket-Version: 7\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'],
    ['that is never authenticated', '/ws/o/delta', 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'],
  ] as const)
    test(`${title} leaves no connection, though the other side does nothing`, async () => {
      const before = came;
      const clients = [say(path, more), say(path, more)];
      await eventually(() => came === before + 2);
      await eventually(() => sockets.size === 0, { within: 10_000 });
      for (const client of clients) client.destroy();
    });

  test('whose authentication hangs is told to come back, and when', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws/o/delta`);
    const [code, reason] = await new Promise<[number, string]>(resolve =>
      socket.once('close', (...told) => resolve([told[0], told[1].toString()])),
    );
    assert.equal(code, 4503);
    assert.ok((await metrics.value('ws_never_known_total')) >= 1);
    assert.ok((JSON.parse(reason) as { retryAfterMs: number }).retryAfterMs >= 0);
  });
});
