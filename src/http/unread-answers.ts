/**
 * Answers that clients do not read wait in this node's memory: here they are counted and bounded, for each client, each
 * address, all visitors and the node. Every route whose answer may be large sends it through `answer`, files through
 * `stream`. Small answers are not counted: what a connection's socket takes at once costs nothing.
 *
 * A large one is given to its socket in pieces, and a connection that takes none for a while is cut. Operators have a share
 * that visitors cannot take.
 */
import type { ServerResponse } from 'node:http';
import { ChatError } from '../domain/error.ts';
import type { LabelledCounter, Metrics } from '../ports.ts';
import { Turns } from '../sessions/turns.ts';
import { BytePace } from './byte-pace.ts';
import { respondJson, sendJson } from './respond.ts';

const MIB = 1_048_576;
/** More than that counts. */
const SMALL_BYTES = 16_384;
const PIECE_BYTES = 65_536;
/** A piece must be taken within: 6.4 KiB/s is the least rate of an answer, 2.1 KiB/s that of a file. */
const ANSWER_PIECE_MS = 10_000;
const FILE_PIECE_MS = 30_000;
/** What waits of a file, at most: the piece that the database has sent. */
const FILE_BYTES = 262_144;

/** Reads of visitors that are made at once, and of operators: fewer than the database has connections for, and half a machine. */
const TURNS = { atOnce: 2, ofEach: 1, waiting: 500, waitingOfEach: 10, maxWaitMs: 2_000 };

export const UNREAD_BOUNDS = { node: 128 * MIB, visitors: 96 * MIB, address: 32 * MIB, client: 4 * MIB } as const;

/** Who asks. `address` as `addressKey`; undefined: of an operator, who may come from where he likes. */
export interface Reader {
  readonly kind: 'visitor' | 'operator';
  /** undefined: not known yet. */
  readonly id: string | undefined;
  readonly address: string | undefined;
}

export class UnreadAnswers {
  readonly #bytes = new Map<string, number>();
  #all = 0;
  readonly #refused: LabelledCounter;
  readonly #cut: LabelledCounter;
  readonly #pace: BytePace;
  readonly #turns = { visitor: new Turns(TURNS), operator: new Turns(TURNS) };

  constructor(metrics: Metrics) {
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
    const made = await (inTurn ? this.#inTurn(reader, make) : make());
    const text = typeof made === 'string' ? made : JSON.stringify(made);
    if (text.length <= SMALL_BYTES) return sendJson(response, text);
    const bytes = Buffer.from(text);
    this.#pace.spend(reader, bytes.length);
    await this.#holding(reader, bytes.length, async () => {
      if (!respondJson(response, bytes.length)) return;
      await this.#write(response, bytes, 'answer', ANSWER_PIECE_MS);
      response.end();
    });
  }

  async #inTurn<T>(reader: Reader, make: () => Promise<T>): Promise<T> {
    const leave = await this.#turns[reader.kind].enter(reader.id ?? reader.address ?? '');
    if (leave === undefined) {
      this.#refused.inc('turn');
      throw new ChatError('unavailable', 'server-not-ready', 'too many reads at once');
    }
    try {
      this.#refuseWithoutRoom(reader, 1); // filled meanwhile?
      await this.#pace.next(reader);
      return await make();
    } finally {
      leave();
    }
  }

  /** A file, piece by piece: the next one is asked for when this one is taken. `begin` sets the headers. Throws ChatError `unavailable`. */
  async stream(response: ServerResponse, reader: Reader, content: AsyncIterable<Buffer>, begin: () => void): Promise<void> {
    await this.#holding(reader, FILE_BYTES, async () => {
      begin();
      for await (const piece of content) {
        if (!(await this.#write(response, piece, 'file', FILE_PIECE_MS))) return;
      }
      response.end();
    });
  }

  async #holding(reader: Reader, bytes: number, send: () => Promise<void>): Promise<void> {
    this.#refuseWithoutRoom(reader, bytes);
    const keys = keysOf(reader);
    this.#add(keys, bytes);
    try {
      await send();
    } finally {
      this.#add(keys, -bytes);
    }
  }

  /** False: the client has gone, or was cut. */
  async #write(response: ServerResponse, bytes: Buffer, what: 'answer' | 'file', withinMs: number): Promise<boolean> {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      if (!(await this.#take(response, bytes.subarray(at, at + PIECE_BYTES), what, withinMs))) return false;
    }
    return true;
  }

  #take(response: ServerResponse, piece: Buffer, what: 'answer' | 'file', withinMs: number): Promise<boolean> {
    if (response.destroyed) return Promise.resolve(false);
    return new Promise(resolve => {
      const done = (isTaken: boolean): void => {
        clearTimeout(late);
        response.off('close', gone);
        resolve(isTaken);
      };
      const gone = (): void => done(false);
      const late = setTimeout(() => {
        this.#cut.inc(what);
        response.req.socket.destroy();
      }, withinMs);
      response.once('close', gone);
      response.write(piece, error => done(error == null));
    });
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
