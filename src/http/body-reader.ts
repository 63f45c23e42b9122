/** Reads bodies as bytes, whatever they call themselves (one SDK labels its bodies wrongly), bounded in size, sum and time. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type NextFunction, raw, type Request, type RequestHandler, type Response } from 'express';
import { ChatError } from '../domain/error.ts';
import type { LabelledCounter, Metrics } from '../ports.ts';

/** A body that trickles in more slowly holds its memory for nothing: its connection is closed. */
const BODY_WITHIN_MS = 15_000;
/** Of all bodies that are being read. */
const MAX_READING_BYTES = 64 * 1_048_576;
/** A plain body of a known size up to this needs nothing but its bytes put together. */
const SHORT_BYTES = 65_536;

const NO_BODY = Buffer.alloc(0);

export class BodyReader {
  readonly #readAny: RequestHandler;
  readonly #maxBytes: number;
  readonly #refused: LabelledCounter;
  #readingBytes = 0;

  constructor(maxBytes: number, metrics: Metrics) {
    this.#maxBytes = maxBytes;
    this.#readAny = raw({ type: () => true, limit: maxBytes });
    this.#refused = metrics.labelled('http_bodies_refused_total', 'Bodies that were not read: too-large, slow, busy', 'why');
    metrics.gauge(
      'http_bodies_bytes',
      'Bodies that are being read (at most 64 MiB, and what comes in one moment)',
      () => this.#readingBytes,
    );
  }

  /** Rejects with ChatError `unavailable`, or an error with the HTTP `status` of what was wrong. */
  async read(request: IncomingMessage, response: ServerResponse): Promise<Buffer> {
    const { 'content-length': length, 'content-encoding': encoding, 'transfer-encoding': transfer } = request.headers;
    if (transfer === undefined && (length === undefined || length === '0')) return NO_BODY;
    if (this.#readingBytes >= MAX_READING_BYTES) {
      this.#refused.inc('busy');
      throw new ChatError('unavailable', 'server-not-ready', 'too many requests at once');
    }
    // What has come counts, not what was announced: empty promises cost nothing.
    let bytes = 0;
    const count = (chunk: Buffer): void => {
      bytes += chunk.length;
      this.#readingBytes += chunk.length;
    };
    request.on('data', count);
    const late = setTimeout(() => {
      this.#refused.inc('slow');
      request.socket.destroy();
    }, BODY_WITHIN_MS);
    const isShort = encoding === undefined && length !== undefined && Number(length) <= Math.min(SHORT_BYTES, this.#maxBytes);
    try {
      return await (isShort ? readShort(request) : this.#readWith(request, response));
    } catch (error) {
      if (error instanceof Error && 'status' in error && error.status === 413) this.#refused.inc('too-large');
      throw error;
    } finally {
      clearTimeout(late);
      request.off('data', count);
      this.#readingBytes -= bytes;
    }
  }

  /** Chunked, compressed or long: as express does it. */
  #readWith(request: IncomingMessage, response: ServerResponse): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const given = request as Request;
      void this.#readAny(
        given,
        response as Response,
        ((error?: unknown) => {
          if (error !== undefined) reject(error instanceof Error ? error : new Error('the body cannot be read'));
          else resolve(Buffer.isBuffer(given.body) ? given.body : NO_BODY);
        }) as NextFunction,
      );
    });
  }
}

/** Node itself ends the request at the announced length. */
function readShort(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const cut = (): void => reject(Object.assign(new Error('the request was cut'), { status: 400 }));
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.once('end', () => {
      request.off('close', cut);
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
    });
    request.once('close', cut);
    request.once('error', reject);
  });
}
