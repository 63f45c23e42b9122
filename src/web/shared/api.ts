/** Calls of the operator protocol with the cookie of the login (docs/protocol/operator.md). */
import { serverUrl } from './server.ts';

export interface ErrorAnswer {
  readonly error: string;
  readonly argumentName?: string;
  readonly desc?: string;
  readonly data?: unknown;
}

/** An answer with `error`, or none at all: `code` is then 'no-connection'. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: string;
  readonly data: unknown;
  /** When to ask again, if the server said so. */
  readonly retryAfterSeconds: number | undefined;

  constructor({ error, desc, data }: ErrorAnswer, retryAfterSeconds?: number) {
    super(desc ?? error);
    this.code = error;
    this.data = data;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export function get<T>(path: string, query: Readonly<Record<string, string>> = {}): Promise<T> {
  const search = new URLSearchParams(query).toString();
  return ask<T>(search === '' ? path : `${path}?${search}`, {});
}

export function post<T>(path: string, body: object = {}): Promise<T> {
  return ask<T>(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
}

/** A node that is frozen, or cut off without a word, is given up; a search may take four seconds. */
const ANSWER_WITHIN_MS = 15_000;

/** `data` of the answer. */
async function ask<T>(path: string, request: RequestInit): Promise<T> {
  const response = await fetch(serverUrl(path), { ...request, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) }).catch(() => undefined);
  // A page of the proxy's own is no answer either: the node behind it is away.
  const answer = (await response?.json().catch(() => undefined)) as ErrorAnswer | { readonly data: T } | undefined;
  if (answer === undefined) throw new ApiError({ error: 'no-connection' });
  const retryAfter = response?.headers.get('Retry-After') ?? null;
  if ('error' in answer) throw new ApiError(answer, retryAfter === null ? undefined : Number(retryAfter));
  return answer.data;
}
