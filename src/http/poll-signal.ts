/** A held poll ends when its client has gone or when this node drains. */
import type { Response } from 'express';

export function pollSignal(response: Response, draining: AbortSignal): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  return AbortSignal.any([gone.signal, draining]);
}
