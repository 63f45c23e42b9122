/** A small site of pages: each has a name, and is served at every address below it. What npm has installed is below /lib. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface PageSite {
  readonly url: string;
  close(): Promise<void>;
}

/** `libraries`: files by name. `html`: of the page by name, at `path` below it (`/` first); undefined: there is none. */
export async function startPageSite(
  html: (name: string, path: string) => string | undefined,
  libraries: Readonly<Record<string, string>> = {},
): Promise<PageSite> {
  const server = createServer((request, response) => {
    const [, name = '', rest = ''] = /^\/([^/?]*)([^?]*)/.exec(decodeURIComponent(request.url ?? '/')) ?? [];
    const library = name === 'lib' ? libraries[rest.slice(1)] : undefined;
    const found = library === undefined ? html(name, rest) : readFileSync(library);
    response.setHeader('Content-Type', library === undefined ? 'text/html; charset=utf-8' : 'text/javascript; charset=utf-8');
    response.writeHead(found === undefined ? 404 : 200).end(found);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise(resolve => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
