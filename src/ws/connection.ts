/**
 * One WebSocket. Frames of one tick leave together (corked); a client that does not read is closed when more than
 * `bufferBytes` wait for it, and comes back with its `since`.
 */
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { CLOSE } from '../protocol/close-codes.ts';

export class Connection {
  readonly #socket: WebSocket;
  readonly #bufferBytes: number;
  #corked = false;
  /** Since the last ping nothing has been heard. */
  awaitsPong = false;

  constructor(socket: WebSocket, bufferBytes: number) {
    this.#socket = socket;
    this.#bufferBytes = bufferBytes;
    socket.pause(); // frames wait in the socket until somebody listens
    socket.on('error', () => undefined); // a protocol error closes the socket, which is what we act on
    socket.on('pong', () => {
      this.awaitsPong = false;
    });
  }

  /** A quarter of the bound waits: time to leave out what may be left out. */
  get isSlow(): boolean {
    return this.#socket.bufferedAmount > this.#bufferBytes / 4;
  }

  send(frame: string): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (this.#socket.bufferedAmount > this.#bufferBytes) {
      this.close(CLOSE.tooSlow);
      return;
    }
    this.#cork();
    this.#socket.send(frame);
  }

  /** A client that does not answer the close within a second is cut. */
  close({ code, reason }: { readonly code: number; readonly reason: string }): void {
    this.#socket.close(code, reason);
    setTimeout(() => this.#socket.terminate(), 1_000).unref();
  }

  ping(): void {
    this.awaitsPong = true;
    this.#socket.ping();
  }

  /** Cut without goodbye: it has not answered. */
  terminate(): void {
    this.#socket.terminate();
  }

  /** From now on frames are read. */
  onFrame(handle: (text: string) => void): void {
    this.#socket.resume();
    this.#socket.on('message', (data, isBinary) => {
      this.awaitsPong = false;
      if (isBinary || !Buffer.isBuffer(data)) this.close(CLOSE.badFrame);
      else handle(data.toString('utf8'));
    });
  }

  onClose(handle: (code: number) => void): void {
    this.#socket.once('close', handle);
  }

  #cork(): void {
    if (this.#corked) return;
    // ws has no cork of its own; its socket does.
    const tcp = (this.#socket as unknown as { readonly _socket: Socket | null })._socket;
    if (tcp === null) return;
    this.#corked = true;
    tcp.cork();
    setImmediate(() => {
      this.#corked = false;
      tcp.uncork();
    });
  }
}
