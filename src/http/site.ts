/**
 * The site as browsers see it: whether a request came over TLS, here or at a proxy that is trusted, and from which pages
 * calls may come that change something. Used where cookies count; never for calls with a token in a header.
 */
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import express from 'express';
import { ChatError } from '../domain/error.ts';

/** Names of the cookie that a log-in sets: without TLS, and over TLS. */
export interface LoginCookie {
  readonly plain: string;
  /** No other host, no other path and no page without TLS can set it. */
  readonly hostOnly: string;
}

export interface Site {
  readonly loginCookie: LoginCookie;
  isSecure(request: IncomingMessage): boolean;
  /** Throws `wrong-origin`. Browsers send Origin with everything that changes something; without one it is no browser. */
  refuseForeignOrigin(request: IncomingMessage): void;
}

export interface SiteOptions {
  readonly allowedOrigins: readonly string[];
  readonly trustedProxies: readonly string[];
  /** Two chats under two paths of one host have two cookies. */
  readonly basePath: string;
}

export function createSite(options: SiteOptions): Site {
  const app = express();
  app.set('trust proxy', [...options.trustedProxies]);
  const isTrusted = app.get('trust proxy fn') as (address: string, hop: number) => boolean;

  const isSecure = (request: IncomingMessage): boolean => {
    const told = request.headers['x-forwarded-proto'];
    const hasProxy = told !== undefined && isTrusted(request.socket.remoteAddress ?? '', 0);
    return hasProxy ? String(told).split(',')[0]?.trim() === 'https' : request.socket instanceof TLSSocket;
  };
  const plain = `operator_token${options.basePath.replaceAll('/', '_')}`;
  return {
    loginCookie: { plain, hostOnly: `__Host-${plain}` },
    isSecure,
    refuseForeignOrigin(request) {
      const { origin, host } = request.headers;
      if (origin === undefined || options.allowedOrigins.includes(origin)) return;
      const from = URL.canParse(origin) ? new URL(origin) : undefined;
      // A page without TLS may be anybody's, whatever its name says. One with TLS is its host's, also where a proxy before ours has ended it.
      const isOwn = from?.protocol === 'https:' || (from?.protocol === 'http:' && !isSecure(request));
      if (isOwn && from.host === host) return;
      throw new ChatError('forbidden', 'wrong-origin', `calls from ${origin} are not allowed`);
    },
  };
}
