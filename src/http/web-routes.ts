/**
 * The pages of src/web as scripts/build-web.mjs has left them, compressed: /, /operator, /cluster, and /widget.js for any
 * site. Names of assets carry a hash of their content and are kept for ever; pages are asked for anew each time. All addresses in them are
 * relative, so that they work under any path; each page has therefore one address, and others lead to it.
 */
import type { ServerResponse } from 'node:http';
import type { RequestHandler } from 'express';
import sirv from 'sirv';

/** No inline script, no inline style, nothing from elsewhere; frames only of our own (the demo). Text never becomes HTML. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "media-src 'self' blob:",
  "connect-src 'self'",
  "frame-src 'self'",
  "frame-ancestors 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

const WIDGET = '/widget.js';
const PAGE_WITH_SLASH = /^\/(?:operator|cluster|demo\/visitor)\/+$/;

/** `basePath` as in the configuration: '' or the path of the site that the pages stand under. */
export function webRoutes(folder: string, basePath: string): RequestHandler {
  const pages = sirv(folder, { etag: true, brotli: true, gzip: true, dotfiles: false, setHeaders });
  return (request, response, next) => {
    const { path } = request;
    if (path === basePath) response.redirect(`${basePath}/`);
    else if (PAGE_WITH_SLASH.test(path)) response.redirect(`${basePath}${path.replace(/\/+$/, '')}`);
    else pages(request, response, next);
  };
}

function setHeaders(response: ServerResponse, pathname: string): void {
  if (pathname.startsWith('/assets/')) {
    response.setHeader('Cache-Control', 'public, max-age=31536000, immutable');
  } else if (pathname === WIDGET) {
    response.setHeader('Cache-Control', 'public, max-age=300, stale-while-revalidate=86400');
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.setHeader('Cross-Origin-Resource-Policy', 'cross-origin');
  } else {
    response.setHeader('Cache-Control', 'no-cache');
    response.setHeader('Content-Security-Policy', PAGE_POLICY);
    response.setHeader('Referrer-Policy', 'same-origin');
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
  }
}
