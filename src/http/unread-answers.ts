/**
 * Answers that clients do not read wait in this node's memory: here they are counted and bounded, for each client, each
 * address, all visitors and the node. Every route whose answer may be large sends it through `answer`, files through
 * `stream`. Small answers are not counted: what a connection's socket takes at once costs nothing.
 *
 * A large one is given to its socket in pieces, and a connection that takes none for long, or too little on the whole, is cut.
 * Operators have a share that visitors cannot take.
 */
import type { ServerResponse } from 'node:http';
import { ChatError } from '../domain/error.ts';
import type { LabelledCounter, Metrics } from '../ports/index.ts';
import { Turns } from '../sessions/turns.ts';
import { BytePace, type Reader } from './byte-pace.ts';
import { respondJson, sendJson } from './respond.ts';

const MIB = 1_048_576;
/** More than that counts. */
const SMALL_BYTES = 16_384;
const PIECE_BYTES = 65_536;
/** Room for what is made in turn, until its size is known: lists are cut to about that. */
const PAGE_BYTES = MIB;
/** What waits of a file, at most: the piece that the database has sent. */
const FILE_BYTES = 262_144;

/** Reads of visitors that are made at once, and of operators: fewer than the database has connections for, and half a machine. */
const TURNS = { atOnce: 2, ofEach: 1, waiting: 500, waitingOfEach: 10, maxWaitMs: 2_000 };

/**
 * The slowest reader that is waited for, as the slowest sender of uploads. When its buffers are full the kernel makes room in
 * steps, of a third of 4 MiB by Linux' own settings: such a reader takes nothing for 80 seconds, then much at once.
 */
export const READING_PACE: ReadingPace = { bytesPerSecond: 17 * 1_024, stillMs: 120_000 };

export interface ReadingPace {
  /** What a reader must take on the whole, `stillMs` aside. The kernel takes more than he reads, never less. */
  readonly bytesPerSecond: number;
  /** He may take nothing for so long. */
  readonly stillMs: number;
}

export const UNREAD_BOUNDS = { node: 128 * MIB, visitors: 96 * MIB, address: 32 * MIB, client: 4 * MIB } as const;

/** A file or an answer on its way: what was taken of it, and how long that was waited for. */
interface Sending {
  readonly response: ServerResponse;
  readonly what: 'answer' | 'file';
  taken: number;
  waitedMs: number;
}

export class UnreadAnswers {
  readonly #readingPace: ReadingPace;
  readonly #bytes = new Map<string, number>();
  #all = 0;
  readonly #refused: LabelledCounter;
  readonly #cut: LabelledCounter;
  readonly #pace: BytePace;
  readonly #turns = { visitor: new Turns(TURNS), operator: new Turns(TURNS) };

  constructor(metrics: Metrics, readingPace = READING_PACE) {
    this.#readingPace = readingPace;
    this.#refused = metrics.labelled(
      'http_unread_refused_total',
      'Reads told to try later because too much is unread: client, address, visitors, node; or because too many wait: turn',
      'whose',
    );
    this.#cut = metrics.labelled('http_unread_cut_total', 'Connections cut because their answer was not read: answer, file', 'what');
    this.#pace = new BytePace(metrics);
    metrics.gauge('http_unread_bytes', 'Answers that clients have not taken yet (at most 128 MiB)', () => this.#all);
  }

  get bytes(): number {
    return this.#all;
  }

  /**
   * Makes the answer, a JSON object or text, and sends it. In turn, unless it may have to wait for something to happen (a held
   * poll). Throws what `make` throws, and ChatError `unavailable` or `rate-limited`.
   */
  async answer(response: ServerResponse, reader: Reader, make: () => Promise<object | string>, inTurn = true): Promise<void> {
    const pause = this.#pace.next(reader);
    if (pause !== undefined) await pause;
    this.#refuseWithoutRoom(reader, 1); // before the database is asked
    const bytes = await (inTurn ? this.#inTurn(reader, make) : render(make));
    if (typeof bytes === 'string') return sendJson(response, bytes);
    this.#pace.spend(reader, bytes.length);
    await this.#holding(reader, bytes.length, async () => {
      if (!respondJson(response, bytes.length)) return;
      await this.#write({ response, what: 'answer', taken: 0, waitedMs: 0 }, bytes);
      response.end();
    });
  }

  async #inTurn(reader: Reader, make: () => Promise<object | string>): Promise<Buffer | string> {
    const leave = await this.#turns[reader.kind].enter(reader.id ?? reader.address ?? '');
    if (leave === undefined) {
      this.#refused.inc('turn');
      throw new ChatError('unavailable', 'server-not-ready', 'too many reads at once');
    }
    try {
      await this.#pace.next(reader);
      return await this.#holding(reader, PAGE_BYTES, () => render(make));
    } finally {
      leave();
    }
  }

  /** A file, piece by piece: the next one is asked for when this one is taken. `begin` sets the headers. Throws ChatError `unavailable`. */
  async stream(response: ServerResponse, reader: Reader, content: AsyncIterable<Buffer>, begin: () => void): Promise<void> {
    await this.#holding(reader, FILE_BYTES, async () => {
      begin();
      const sending: Sending = { response, what: 'file', taken: 0, waitedMs: 0 };
      for await (const piece of content) {
        if (!(await this.#write(sending, piece))) return;
      }
      response.end();
    });
  }

  async #holding<T>(reader: Reader, bytes: number, whileHeld: () => Promise<T>): Promise<T> {
    this.#refuseWithoutRoom(reader, bytes);
    const keys = keysOf(reader);
    this.#add(keys, bytes);
    try {
      return await whileHeld();
    } finally {
      this.#add(keys, -bytes);
    }
  }

  /** False: the client has gone, or was cut. */
  async #write(sending: Sending, bytes: Buffer): Promise<boolean> {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      if (!(await this.#take(sending, bytes.subarray(at, at + PIECE_BYTES)))) return false;
    }
    return true;
  }

  async #take(sending: Sending, piece: Buffer): Promise<boolean> {
    const { response, what, taken, waitedMs } = sending;
    const { socket } = response.req;
    if (response.destroyed || socket.destroyed) return false;
    const { stillMs, bytesPerSecond } = this.#readingPace;
    const startedMs = performance.now();
    const isTaken = await new Promise<boolean>(resolve => {
      const done = (isTaken: boolean): void => {
        clearTimeout(late);
        response.off('close', gone);
        socket.off('close', gone);
        resolve(isTaken);
      };
      const gone = (): void => done(false);
      const late = setTimeout(
        () => {
          this.#cut.inc(what);
          socket.destroy();
          done(false);
        },
        Math.min(stillMs, stillMs + (taken / bytesPerSecond) * 1_000 - waitedMs),
      );
      response.once('close', gone);
      // An answer that waits behind another one of its connection is not told that it has closed.
      socket.setMaxListeners(0).once('close', gone);
      response.write(piece, error => done(error == null));
    });
    sending.taken += piece.length;
    sending.waitedMs += performance.now() - startedMs;
    return isTaken;
  }

  #refuseWithoutRoom(reader: Reader, bytes: number): void {
    const full = (Object.entries(boundsOf(reader)) as [Whose, { key: string; max: number }][]).find(
      ([, { key, max }]) => (this.#bytes.get(key) ?? 0) > 0 && (this.#bytes.get(key) ?? 0) + bytes > max,
    );
    if (full === undefined) return;
    this.#refused.inc(full[0]);
    throw new ChatError('unavailable', 'server-not-ready', 'too much that was asked for is not read yet');
  }

  #add(keys: readonly string[], bytes: number): void {
    this.#all += bytes;
    for (const key of keys) {
      const sum = (this.#bytes.get(key) ?? 0) + bytes;
      if (sum === 0) this.#bytes.delete(key);
      else this.#bytes.set(key, sum);
    }
  }
}

/** Only what is sent is kept while it waits: neither what was made nor its text. */
async function render(make: () => Promise<object | string>): Promise<Buffer | string> {
  const made = await make();
  const text = typeof made === 'string' ? made : JSON.stringify(made);
  return text.length <= SMALL_BYTES ? text : Buffer.from(text);
}

type Whose = 'client' | 'address' | 'visitors' | 'node';

/** What this reader counts for, and how much of it there may be. */
function boundsOf({ kind, id, address }: Reader): Partial<Record<Whose, { readonly key: string; readonly max: number }>> {
  return {
    ...(id === undefined ? {} : { client: { key: `${kind} ${id}`, max: UNREAD_BOUNDS.client } }),
    ...(kind === 'operator' || address === undefined ? {} : { address: { key: `address ${address}`, max: UNREAD_BOUNDS.address } }),
    ...(kind === 'operator' ? {} : { visitors: { key: 'visitors', max: UNREAD_BOUNDS.visitors } }),
    node: { key: 'node', max: UNREAD_BOUNDS.node },
  };
}

function keysOf(reader: Reader): string[] {
  return Object.values(boundsOf(reader)).map(({ key }) => key);
}
