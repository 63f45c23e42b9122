/** Calls of the operator protocol with the cookie of the login (docs/protocol/operator.md). */

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

  constructor({ error, desc, data }: ErrorAnswer) {
    super(desc ?? error);
    this.code = error;
    this.data = data;
  }
}

export function get<T>(path: string, query: Readonly<Record<string, string>> = {}): Promise<T> {
  const search = new URLSearchParams(query).toString();
  return ask<T>(search === '' ? path : `${path}?${search}`, {});
}

export function post<T>(path: string, body: object = {}): Promise<T> {
  return ask<T>(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
}

/** `data` of the answer. */
async function ask<T>(path: string, request: RequestInit): Promise<T> {
  const answer = (await fetch(path, request).then(
    response => response.json(),
    () => ({ error: 'no-connection' }),
  )) as ErrorAnswer | { readonly data: T };
  if ('error' in answer) throw new ApiError(answer);
  return answer.data;
}
