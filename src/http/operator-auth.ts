/**
 * Who an operator's call is from: `Authorization: Bearer`, or the cookie. A cookie is sent by browsers for any site, so
 * calls with it that change something must come from an allowed origin.
 */
import type { IncomingMessage } from 'node:http';
import { ChatError } from '../domain/error.ts';
import type { Login, OperatorLogins } from '../sessions/operator-logins.ts';

export const COOKIE = 'operator_token';

export interface OperatorCredentials {
  readonly token: string | undefined;
  readonly fromCookie: boolean;
}

export function credentialsOf(request: IncomingMessage): OperatorCredentials {
  const bearer = /^Bearer +([\w.~+/-]+=*)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (bearer !== undefined) return { token: bearer, fromCookie: false };
  const cookie = (request.headers.cookie ?? '')
    .split(';')
    .map(part => part.trim())
    .find(part => part.startsWith(`${COOKIE}=`));
  return { token: cookie?.slice(COOKIE.length + 1), fromCookie: true };
}

/** Throws `unauthorized`, `operator-disabled`; `wrong-origin` for a cookie call of a foreign site that changes something. */
export async function authenticateOperator(
  logins: OperatorLogins,
  request: IncomingMessage,
  options: { readonly changes: boolean; readonly allowedOrigins: readonly string[] },
): Promise<Login> {
  const { token, fromCookie } = credentialsOf(request);
  if (options.changes && fromCookie) refuseForeignOrigin(request, options.allowedOrigins);
  return logins.authenticate(token);
}

/** Browsers send Origin with everything that changes something; without one it is no browser. */
export function refuseForeignOrigin(request: IncomingMessage, allowedOrigins: readonly string[]): void {
  const origin = request.headers.origin;
  if (origin === undefined || allowedOrigins.includes(origin)) return;
  const host = URL.canParse(origin) ? new URL(origin).host : undefined;
  if (host !== undefined && host === request.headers.host) return;
  throw new ChatError('forbidden', 'wrong-origin', `calls from ${origin} are not allowed`);
}
