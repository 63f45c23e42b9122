/**
 * A TCP proxy as a bad network: it can cut, refuse, freeze (nothing gets through and nobody is told, as when a cable is
 * pulled), delay, slow down, and hold one direction from the moment that certain bytes pass.
 */
import net from 'node:net';
import { freePort } from '../process.ts';

/** up: from the client to the server. */
export type Direction = 'up' | 'down';

export interface Proxy {
  readonly port: number;
  /** Connections at present. */
  readonly connections: number;
  /** Cuts all connections and refuses new ones. */
  close(): Promise<void>;
  open(): Promise<void>;
  /** Cuts all connections; new ones are let through. */
  cut(): void;
  freeze(...directions: Direction[]): void;
  thaw(): void;
  /** Bytes per second of each connection and direction; undefined: as fast as it goes. */
  throttle(bytesPerSecond: number | undefined): void;
  delay(ms: number): void;
  /**
   * With the first chunk of `direction` for which `matches` is true: freezes `frozen` (by default the same direction,
   * with that chunk), and resolves.
   */
  holdFrom(direction: Direction, matches: (chunk: Buffer) => boolean, frozen?: Direction): Promise<void>;
}

interface Hold {
  readonly direction: Direction;
  readonly frozen: Direction;
  readonly matches: (chunk: Buffer) => boolean;
  readonly resolve: () => void;
}

export async function startProxy(target: { readonly host: string; readonly port: number }, onPort?: number): Promise<Proxy> {
  const port = onPort ?? (await freePort());
  const frozen = new Set<Direction>();
  const pipes = new Set<Pipe>();
  let server: net.Server | undefined;
  let delayMs = 0;
  let bytesPerSecond: number | undefined;
  let hold: Hold | undefined;

  class Pipe {
    readonly #from: net.Socket;
    readonly #to: net.Socket;
    readonly #direction: Direction;
    readonly #queue: Buffer[] = [];
    #isMoving = false;
    #hasEnded = false;

    constructor(from: net.Socket, to: net.Socket, direction: Direction) {
      this.#from = from;
      this.#to = to;
      this.#direction = direction;
      pipes.add(this);
      from.on('data', (chunk: Buffer) => {
        if (hold?.direction === direction && hold.matches(chunk)) {
          frozen.add(hold.frozen);
          hold.resolve();
          hold = undefined;
        }
        this.#queue.push(chunk);
        from.pause();
        this.move();
      });
      from.on('error', () => undefined);
      from.on('close', () => {
        this.#hasEnded = true;
        this.move();
      });
    }

    /** Hands on what waits, if it may; who has gone is told of only when the network works. */
    move(): void {
      if (this.#isMoving || frozen.has(this.#direction)) return;
      const chunk = this.#queue.shift();
      if (chunk === undefined) {
        if (this.#hasEnded) {
          pipes.delete(this);
          this.#to.destroy();
        } else this.#from.resume();
        return;
      }
      this.#isMoving = true;
      const slice = bytesPerSecond === undefined ? chunk : chunk.subarray(0, Math.max(1, Math.floor(bytesPerSecond / 10)));
      if (slice.length < chunk.length) this.#queue.unshift(chunk.subarray(slice.length));
      const pass = (): void => {
        this.#to.write(slice);
        const next = (): void => {
          this.#isMoving = false;
          this.move();
        };
        if (bytesPerSecond === undefined) next();
        else setTimeout(next, 100);
      };
      if (delayMs === 0) pass();
      else setTimeout(pass, delayMs);
    }

    cut(): void {
      pipes.delete(this);
      this.#from.destroy();
    }
  }

  const cut = (): void => {
    for (const pipe of [...pipes]) pipe.cut();
  };
  const proxy: Proxy = {
    port,
    get connections() {
      return pipes.size / 2;
    },
    open: () =>
      new Promise((resolve, reject) => {
        server = net.createServer({ pauseOnConnect: false }, inner => {
          const outer = net.connect(target);
          inner.setNoDelay(true);
          outer.setNoDelay(true);
          new Pipe(inner, outer, 'up').move();
          new Pipe(outer, inner, 'down').move();
        });
        server.once('error', reject);
        server.listen(port, '127.0.0.1', resolve);
      }),
    async close() {
      const closing = server;
      server = undefined;
      cut();
      await new Promise<void>(resolve => (closing === undefined ? resolve() : closing.close(() => resolve())));
    },
    cut,
    freeze(...directions) {
      for (const direction of directions.length === 0 ? (['up', 'down'] as const) : directions) frozen.add(direction);
    },
    thaw() {
      frozen.clear();
      hold = undefined;
      for (const pipe of [...pipes]) pipe.move();
    },
    throttle(rate) {
      bytesPerSecond = rate;
    },
    delay(ms) {
      delayMs = ms;
    },
    holdFrom: (direction, matches, toFreeze = direction) =>
      new Promise(resolve => {
        hold = { direction, frozen: toFreeze, matches, resolve };
      }),
  };
  await proxy.open();
  return proxy;
}
