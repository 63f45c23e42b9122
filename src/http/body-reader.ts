/** Reads bodies as bytes, whatever they call themselves (one SDK labels its bodies wrongly), bounded in size, sum and time. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type NextFunction, raw, type Request, type RequestHandler, type Response } from 'express';
import { ChatError } from '../domain/error.ts';
import type { LabelledCounter, Metrics } from '../ports/index.ts';

/** A body that trickles in more slowly holds its memory for nothing: its connection is closed. */
const BODY_WITHIN_MS = 15_000;
/** Of all bodies that are being read. */
const MAX_READING_BYTES = 64 * 1_048_576;
/** A plain body of a known size up to this needs nothing but its bytes put together. */
const SHORT_BYTES = 65_536;

const LINGER_MS = 2_000;

const NO_BODY = Buffer.alloc(0);

export class BodyReader {
  readonly #readAny: RequestHandler;
  readonly #maxBytes: number;
  readonly #refused: LabelledCounter;
  #readingBytes = 0;

  constructor(maxBytes: number, metrics: Metrics) {
    this.#maxBytes = maxBytes;
    this.#readAny = raw({ type: () => true, limit: maxBytes, inflate: false });
    this.#refused = metrics.labelled('http_bodies_refused_total', 'Bodies that were not read: too-large, slow, busy, compressed', 'why');
    metrics.gauge(
      'http_bodies_bytes',
      'Bodies that are being read (at most 64 MiB, and what comes in one moment)',
      () => this.#readingBytes,
    );
  }

  /** Rejects with ChatError `unavailable`, or an error with the HTTP `status` of what was wrong. */
  async read(request: IncomingMessage, response: ServerResponse): Promise<Buffer> {
    const { 'content-length': length, 'transfer-encoding': transfer } = request.headers;
    if (request.headers['content-encoding'] !== undefined) this.#refuseCompressed(request);
    if (transfer === undefined && (length === undefined || length === '0')) return NO_BODY;
    if (request.destroyed) throw wasCut(); // nothing of it would be delivered, not even its end
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
    const isShort = length !== undefined && Number(length) <= Math.min(SHORT_BYTES, this.#maxBytes);
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

  #refuseCompressed(request: IncomingMessage): void {
    try {
      refuseCompressed(request);
    } catch (error) {
      this.#refused.inc('compressed');
      throw error;
    }
  }

  /** Chunked or long: as express does it. */
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

/**
 * Who is answered before all of his body has come has been refused. What he still sends is thrown away for a moment, so that he reads
 * why, then he is cut: otherwise Node would read it to its end, however long that takes.
 */
export function cutWhatIsRefused(request: IncomingMessage, response: ServerResponse): void {
  if (request.method === 'GET' || request.method === 'HEAD') return;
  response.once('finish', () => {
    if (request.complete || request.socket.destroyed) return;
    request.resume();
    const late = setTimeout(() => request.socket.destroy(), LINGER_MS);
    request.once('close', () => clearTimeout(late));
    request.once('end', () => clearTimeout(late));
  });
}

/** A few KiB may be gigabytes, and no client of ours compresses what it sends. Throws ChatError `unsupported`. */
export function refuseCompressed({ headers }: IncomingMessage): void {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? '';
  if (encoding === '' || encoding === 'identity') return;
  throw new ChatError('unsupported', 'unsupported-encoding', 'bodies are not to be compressed: leave out Content-Encoding');
}

function wasCut(): Error {
  return Object.assign(new Error('the request was cut'), { status: 400 });
}

/** Node itself ends the request at the announced length. */
function readShort(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const cut = (): void => reject(wasCut());
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.once('end', () => {
      request.off('close', cut);
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
    });
    request.once('close', cut);
    request.once('error', reject);
  });
}
