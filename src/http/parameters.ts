/** Query and body of a request as Parameters; a body wins over the query, as the replaced systems accept both. */
import { raw, type Request, type RequestHandler } from 'express';
import { ChatError } from '../domain/error.ts';
import type { Metrics } from '../ports.ts';
import { parseBody, queryOf } from '../protocol/body.ts';
import { Parameters } from '../protocol/parameters.ts';

/** A body that trickles in more slowly holds its memory for nothing: its connection is closed. */
const BODY_WITHIN_MS = 15_000;
/** Of all bodies that are being read. */
const MAX_READING_BYTES = 64 * 1_048_576;

export type BodyReader = RequestHandler;

/** Reads the whole body as bytes, whatever it calls itself: one SDK labels its bodies wrongly. */
export function createBodyReader(maxBytes: number, metrics: Metrics): BodyReader {
  const read = raw({ type: () => true, limit: maxBytes });
  let readingBytes = 0;
  const refused = metrics.labelled('http_bodies_refused_total', 'Bodies that were not read: too-large, slow, busy', 'why');
  metrics.gauge('http_bodies_bytes', 'Bodies that are being read (at most 64 MiB, and what comes in one moment)', () => readingBytes);
  return (request, response, next) => {
    if (readingBytes >= MAX_READING_BYTES) {
      refused.inc('busy');
      next(new ChatError('unavailable', 'server-not-ready', 'too many requests at once'));
      return;
    }
    // What has come counts, not what was announced: empty promises cost nothing.
    let bytes = 0;
    const count = (chunk: Buffer): void => {
      bytes += chunk.length;
      readingBytes += chunk.length;
    };
    request.on('data', count);
    const late = setTimeout(() => {
      refused.inc('slow');
      request.socket.destroy();
    }, BODY_WITHIN_MS);
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- express's Request is one
    read(request, response, error => {
      clearTimeout(late);
      request.off('data', count);
      readingBytes -= bytes;
      if (error instanceof Error && 'status' in error && error.status === 413) refused.inc('too-large');
      next(error);
    });
  };
}

export function parametersOf(request: Request): Parameters {
  const body: unknown = request.body;
  const values = body instanceof Uint8Array ? parseBody(body, request.get('content-type')) : {};
  return new Parameters({ ...queryOf(request.url), ...values });
}
