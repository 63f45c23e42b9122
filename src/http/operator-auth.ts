/**
 * Who an operator's call is from: `Authorization: Bearer`, or the cookie. A cookie is sent by browsers for any site, so
 * calls with it that change something must come from an allowed origin. Over TLS it has a name that no other host, no other
 * path and no page without TLS can set.
 */
import type { IncomingMessage } from 'node:http';
import type { Response } from 'express';
import { ChatError } from '../domain/error.ts';
import type { Login, OperatorLogins } from '../sessions/operators/logins.ts';
import type { LoginCookie, Site } from './site.ts';

/** Other pages of the domain can put some before ours; no browser has more of its own. */
const MAX_TRIED = 4;

export interface OperatorCredentials {
  /** To be tried in this order. */
  readonly tokens: readonly string[];
  readonly fromCookie: boolean;
}

export function credentialsOf({ headers }: Pick<IncomingMessage, 'headers'>, { plain, hostOnly }: LoginCookie): OperatorCredentials {
  const bearer = /^Bearer +([\w.~+/-]+=*)$/i.exec(headers.authorization ?? '')?.[1];
  if (bearer !== undefined) return { tokens: [bearer], fromCookie: false };
  const cookies = (headers.cookie ?? '').split(';').map(part => part.trim());
  const valuesOf = (name: string): string[] =>
    cookies.filter(cookie => cookie.startsWith(`${name}=`)).map(cookie => cookie.slice(name.length + 1));
  // First what nobody else can have set. The other one is of a log-in without TLS, or of before there were two.
  const tokens = [...new Set([...valuesOf(hostOnly), ...valuesOf(plain)])].filter(token => token !== '');
  return { tokens: tokens.slice(0, MAX_TRIED), fromCookie: true };
}

/** Throws `unauthorized`, `operator-disabled`; `wrong-origin` for a cookie call of a foreign site that changes something. */
export async function authenticateOperator(
  logins: OperatorLogins,
  request: IncomingMessage,
  { changes, site }: { readonly changes: boolean; readonly site: Site },
): Promise<Login> {
  const { tokens, fromCookie } = credentialsOf(request, site.loginCookie);
  if (changes && fromCookie) site.refuseForeignOrigin(request);
  let refused: ChatError | undefined;
  for (const token of tokens) {
    try {
      return await logins.authenticate(token);
    } catch (error) {
      if (!(error instanceof ChatError) || error.code === 'unavailable') throw error;
      refused ??= error;
    }
  }
  return refused === undefined ? logins.authenticate(undefined) : Promise.reject(refused);
}

export function setLoginCookie(
  response: Response,
  token: string,
  { plain, hostOnly, isSecure, maxAgeMs }: LoginCookie & { readonly isSecure: boolean; readonly maxAgeMs: number },
): void {
  const attributes = { httpOnly: true, sameSite: 'lax', path: '/', secure: isSecure } as const;
  response.cookie(isSecure ? hostOnly : plain, token, { ...attributes, maxAge: maxAgeMs });
  if (isSecure) response.clearCookie(plain, attributes);
}

/** Both: whichever there is. */
export function clearLoginCookies(response: Response, { plain, hostOnly }: LoginCookie): void {
  response.clearCookie(plain, { path: '/' });
  response.clearCookie(hostOnly, { path: '/', secure: true, httpOnly: true, sameSite: 'lax' });
}
