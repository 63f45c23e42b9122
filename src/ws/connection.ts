/**
 * One WebSocket. Frames of one tick leave in one write; a client that does not read is closed when more than
 * `bufferBytes` wait for it, and comes back with its `since`.
 */
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { CLOSE } from '../protocol/close-codes.ts';
import { encodeTextFrames } from './text-frames.ts';

/** Frames up to this are only looked at once a second. */
const SMALL_BYTES = 16_384;
/** Closed without a goodbye. */
const GONE = 1006;

export class Connection {
  readonly #socket: WebSocket;
  readonly #bufferBytes: number;
  /** Told of each frame that is not small. */
  readonly #onLarge: (bytes: number) => void;
  /** Frames of this tick. */
  #waiting: string[] = [];
  #waitingBytes = 0;
  /** Since the last ping nothing has been heard. */
  awaitsPong = false;

  constructor(socket: WebSocket, bufferBytes: number, onLarge: (bytes: number) => void) {
    this.#socket = socket;
    this.#bufferBytes = bufferBytes;
    this.#onLarge = onLarge;
    socket.pause(); // frames wait in the socket until somebody listens
    socket.on('error', () => undefined); // a protocol error closes the socket, which is what we act on
    socket.on('pong', () => {
      this.awaitsPong = false;
    });
  }

  /** A quarter of the bound waits: time to leave out what may be left out. */
  get isSlow(): boolean {
    return this.#bufferedBytes > this.#bufferBytes / 4;
  }

  /** What its client has not read; of one that is closing nothing: it is cut in a moment. */
  get waitingBytes(): number {
    return this.#socket.readyState === this.#socket.OPEN ? this.#bufferedBytes : 0;
  }

  /** With what else is sent in this tick. */
  send(frame: string): void {
    if (this.#add(frame) && this.#waiting.length === 1) setImmediate(() => this.#flush());
  }

  /** At the end of a tick, with what was sent in it: nothing more will come. */
  sendLast(frame: string): void {
    if (this.#add(frame)) queueMicrotask(() => this.#flush());
  }

  /** A client that does not answer the close within a second is cut. */
  close({ code, reason }: { readonly code: number; readonly reason: string }): void {
    this.#flush();
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
      if (this.#socket.readyState !== this.#socket.OPEN) return; // whoever is being closed does nothing more
      if (isBinary || !Buffer.isBuffer(data)) this.close(CLOSE.badFrame);
      else handle(data.toString('utf8'));
    });
  }

  /** Called too when it is closed already: a client may be gone before it is known who it was. */
  onClose(handle: (code: number) => void): void {
    if (this.#socket.readyState === this.#socket.CLOSED) queueMicrotask(() => handle(GONE));
    else this.#socket.once('close', handle);
  }

  /** False: it is not open, or too slow. */
  #add(frame: string): boolean {
    if (this.#socket.readyState !== this.#socket.OPEN) return false;
    if (this.#bufferedBytes > this.#bufferBytes) {
      this.close(CLOSE.tooSlow);
      return false;
    }
    this.#waiting.push(frame);
    this.#waitingBytes += frame.length;
    return true;
  }

  get #bufferedBytes(): number {
    return this.#socket.bufferedAmount + this.#waitingBytes;
  }

  /** Behind what ws itself has sent, which it writes at once: nothing of ours is compressed. */
  #flush(): void {
    const frames = this.#waiting;
    if (frames.length === 0) return;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    const bytes = encodeTextFrames(frames);
    tcpOf(this.#socket)?.write(bytes);
    if (bytes.length > SMALL_BYTES) this.#onLarge(bytes.length);
  }
}

/** ws keeps its socket to itself; writing to it is as good as ws.send as long as there are no extensions. */
function tcpOf(socket: WebSocket): Socket | null {
  return (socket as unknown as { readonly _socket: Socket | null })._socket;
}
