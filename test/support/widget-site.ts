/** A web site of another origin that embeds the widget, under as strict a Content-Security-Policy as works. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BrowserContext, Page } from 'playwright-core';

export interface WidgetSite {
  readonly url: string;
  close(): Promise<void>;
}

export interface Visit {
  readonly page: Page;
  /** What the browser has held against the site's policy, and errors of scripts. */
  readonly faults: string[];
}

/** The policy that docs/widget.md asks for. */
function policyFor(chatUrl: string, allowsSockets: boolean): string {
  const socketUrl = allowsSockets ? chatUrl.replace(/^http/, 'ws') : '';
  return `default-src 'none'; script-src ${chatUrl}; connect-src ${chatUrl} ${socketUrl}; img-src ${chatUrl}; style-src 'self'; require-trusted-types-for 'script'`;
}

/** `/?data-lang=ru` is a page whose script element has these attributes; `/?twice` has it twice, `/?no-sockets` may open no WebSocket. */
export async function startWidgetSite(chatUrl: string): Promise<WidgetSite> {
  const server = createServer((request, response: ServerResponse) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://site');
    const attributes = [...searchParams]
      .filter(([name]) => name.startsWith('data-'))
      .map(([name, value]) => ` ${name}="${escapeAttribute(value)}"`);
    const script = `<script src="${chatUrl}/widget.js"${attributes.join('')}></script>`;
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    response.setHeader('Content-Security-Policy', policyFor(chatUrl, !searchParams.has('no-sockets')));
    response.end(
      `<!doctype html><html lang="en"><head><meta name="viewport" content="width=device-width, initial-scale=1"><title>A site</title></head>
       <body><main><h1>A site</h1></main>${script}${searchParams.has('twice') ? script : ''}</body></html>`,
    );
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

export async function visitSite(site: WidgetSite, context: BrowserContext, attributes: Record<string, string> = {}): Promise<Visit> {
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('pageerror', error => faults.push(error.message));
  page.on('console', message => {
    if (/Content Security Policy|Trusted/i.test(message.text())) faults.push(message.text());
  });
  await page.goto(`${site.url}/?${new URLSearchParams(attributes).toString()}`);
  return { page, faults };
}

function escapeAttribute(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
}
