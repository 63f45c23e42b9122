/** A request with everything that the platform does by itself until there is an answer: what is retried, when, and what is fatal. */
import { ReadTimeout } from './http.ts';
import { DecodeError, type JsonObject, optional, text } from './json.ts';
import type { Call, Seen, Wire } from './wire.ts';

/** The session is destroyed; the app is told why. */
export class FatalError extends Error {}

export type Outcome =
  | { readonly kind: 'answer'; readonly body: JsonObject }
  | { readonly kind: 'error'; readonly error: string; readonly argumentName: string | undefined }
  | { readonly kind: 'timeout' }
  /** iOS: no JSON. */
  | { readonly kind: 'unreadable' }
  /** iOS: tried five times. */
  | { readonly kind: 'given-up' };

/** Seconds between tries of Android after a lost connection or 502; the last one for ever. */
const LATER = [2, 4, 6, 8, 10];
const LONG = 10;
/** iOS reads the bodies of these as answers. */
const READ_BY_IOS = [200, 500, 400, 402, 403, 404, 405, 413, 415];
const IOS_TRIES = 4;

/** The requests of one loop: one after the other, with the memory of what failed before. */
export class Line {
  readonly #wire: Wire;
  #failures = 0;
  #lastStatus = 200;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  request(call: Call): Promise<Outcome> {
    return this.#wire.platform === 'android' ? this.#asAndroid(call) : this.#asIos(call);
  }

  async #asAndroid(call: Call): Promise<Outcome> {
    for (;;) {
      const seen = await this.#try(call);
      if (seen === 'timeout') return { kind: 'timeout' };
      if (seen === undefined || (seen.status === 200 && !seen.isJson)) {
        await this.#later();
        continue;
      }
      const error = errorOf(seen);
      if (seen.status === 502 || (seen.status === 200 && error?.error === 'server-not-ready')) {
        await this.#later();
        continue;
      }
      const outcome = this.#readByAndroid(seen, error);
      if (outcome !== undefined) {
        this.#failures = 0;
        this.#lastStatus = 200;
        return outcome;
      }
      if (seen.status !== 404 && seen.status === this.#lastStatus) throw new FatalError(`HTTP ${seen.status} twice: ${call.path}`);
      this.#lastStatus = seen.status;
      await this.#wire.pause(LONG);
    }
  }

  /** undefined: to be tried again. */
  #readByAndroid({ status, body, call }: Seen, error: Outcome | undefined): Outcome | undefined {
    if (error?.kind === 'error' && error.error !== 'server-not-ready') return error;
    if (status === 200) {
      if (body === undefined) throw new DecodeError(call.path, 'object', 'something else');
      return { kind: 'answer', body };
    }
    const known = { 400: 'cannot-create-response', 413: 'max_file_size_exceeded', 415: 'not_allowed_file_type' }[status];
    return known === undefined ? undefined : { kind: 'error', error: known, argumentName: undefined };
  }

  async #asIos(call: Call): Promise<Outcome> {
    for (let tries = 0; ; ) {
      const seen = await this.#try(call);
      if (seen === 'timeout' && call.path.endsWith('/delta')) return { kind: 'timeout' };
      if (seen === undefined || seen === 'timeout') {
        this.#failures += 1;
        await this.#wire.pause(Math.min(4, this.#failures));
        continue;
      }
      this.#failures = 0;
      if (!READ_BY_IOS.includes(seen.status)) {
        tries += 1;
        if (tries > IOS_TRIES) return { kind: 'given-up' };
        await this.#wire.pause(tries);
        continue;
      }
      if (!seen.isJson) return { kind: 'unreadable' };
      if (seen.body === undefined) throw new DecodeError(call.path, 'object', 'something else');
      const error = errorOf(seen);
      if (error?.error === 'server-not-ready') throw new FatalError('server-not-ready, which iOS handles nowhere');
      return error ?? { kind: 'answer', body: seen.body };
    }
  }

  /** undefined: no answer. */
  async #try(call: Call): Promise<Seen | 'timeout' | undefined> {
    try {
      return await this.#wire.send(call);
    } catch (error) {
      if (this.#wire.isStopped || call.signal?.aborted === true) throw error;
      if (error instanceof ReadTimeout) return 'timeout';
      return undefined;
    }
  }

  async #later(): Promise<void> {
    const seconds = LATER[Math.min(this.#failures, LATER.length - 1)] ?? LONG;
    this.#failures += 1;
    this.#lastStatus = 200;
    await this.#wire.pause(seconds);
  }
}

/** Both read an error from any status, if the body is an object with `error`. */
function errorOf({ body, call }: Seen): (Outcome & { kind: 'error' }) | undefined {
  const error = optional(text)(body?.['error'], `${call.path}.error`);
  if (error === undefined) return undefined;
  return { kind: 'error', error, argumentName: optional(text)(body?.['argumentName'], `${call.path}.argumentName`) };
}
