/**
 * What people write who want a page to do something: each string would set `window.__ran`, open a dialog or ask a foreign
 * host, if any page took it for more than text.
 */
import type { BrowserContext, Frame, Page } from 'playwright-core';

const RUN = 'window.__ran=1';
const FOREIGN = 'https://evil.example';

/** Ways to write a script into a page. */
const MARKUP = [
  `<script>${RUN}</script>`,
  `"><script>${RUN}</script>`,
  `'><script>${RUN}</script>`,
  `</title><script>${RUN}</script>`,
  `</textarea><script>${RUN}</script>`,
  `</style><script>${RUN}</script>`,
  `</script><script>${RUN}</script>`,
  `--><script>${RUN}</script>`,
  `]]><script>${RUN}</script>`,
  `<scr<script>ipt>${RUN}</scr</script>ipt>`,
  `<SCRIPT>${RUN}</SCRIPT>`,
  `<script src=${FOREIGN}/x.js></script>`,
  `<script src=//evil.example/x.js></script>`,
  `<script type=module>import '${FOREIGN}/x.js'</script>`,
  `<svg><script>${RUN}</script></svg>`,
  `<math><mtext><script>${RUN}</script></mtext></math>`,
  `<iframe srcdoc="<script>parent.__ran=1</script>"></iframe>`,
  `<iframe src="${FOREIGN}"></iframe>`,
  `<object data="${FOREIGN}/x.swf"></object>`,
  `<embed src="${FOREIGN}/x.swf">`,
  `<link rel=stylesheet href=${FOREIGN}/x.css>`,
  `<link rel=preload as=image href=${FOREIGN}/x.png>`,
  `<style>@import '${FOREIGN}/x.css'</style>`,
  `<style>*{background:url(${FOREIGN}/x.png)}</style>`,
  `<p style="background:url(${FOREIGN}/x.png)">x</p>`,
  `<img src=${FOREIGN}/x.png>`,
  `<img srcset="${FOREIGN}/x.png 2x">`,
  `<video poster=${FOREIGN}/x.png></video>`,
  `<meta http-equiv=refresh content="0;url=${FOREIGN}">`,
  `<base href="${FOREIGN}/">`,
  `<form action=${FOREIGN}><button autofocus>x</button></form>`,
  `<template><script>${RUN}</script></template>`,
  `<noscript><p title="</noscript><script>${RUN}</script>">`,
  `<a href="javascript:${RUN}">x</a>`,
  `<a href=" &#106;avascript:${RUN}">x</a>`,
  `&lt;script&gt;${RUN}&lt;/script&gt;`,
  `&#60;script&#62;${RUN}&#60;/script&#62;`,
  `%3Cscript%3E${RUN}%3C/script%3E`,
  `\\u003cscript\\u003e${RUN}\\u003c/script\\u003e`,
  `\\x3cscript\\x3e${RUN}\\x3c/script\\x3e`,
];

const TAGS_AND_EVENTS = [
  ['img src=x', 'onerror'],
  ['image src=x', 'onerror'],
  ['svg', 'onload'],
  ['body', 'onload'],
  ['input autofocus', 'onfocus'],
  ['select autofocus', 'onfocus'],
  ['textarea autofocus', 'onfocus'],
  ['details open', 'ontoggle'],
  ['video src=x', 'onerror'],
  ['audio src=x', 'onerror'],
  ['video><source src=x', 'onerror'],
  ['marquee', 'onstart'],
  ['iframe', 'onload'],
  ['object data=x', 'onerror'],
  ['p tabindex=1 autofocus', 'onfocus'],
  ['div style=width:100vw;height:100vh', 'onpointerover'],
  ['xss id=x tabindex=1', 'onfocusin'],
  ['style', 'onload'],
] as const;

const EVENTS = TAGS_AND_EVENTS.flatMap(([tag, event]) => [
  `<${tag} ${event}=${RUN}>`,
  `"><${tag} ${event}="${RUN}">`,
  `<${tag.replace(' ', '/')}/${event}=${RUN}//`,
  `<${tag}\n${event.toUpperCase()}\n=\n'${RUN}'>`,
]);

const ATTRIBUTES = [
  `" onmouseover="${RUN}`,
  `' autofocus onfocus='${RUN}`,
  `" autofocus onfocus="${RUN}" x="`,
  '` onclick=`alert(1)`',
  `x onerror=${RUN}`,
];

const URLS = [
  `javascript:${RUN}`,
  `JaVaScRiPt:${RUN}`,
  ` javascript:${RUN}`,
  `java\tscript:${RUN}`,
  `java\nscript:${RUN}`,
  `\u0001javascript:${RUN}`,
  `javascript://example.org/%0a${RUN}`,
  `javascript:alert(document.domain)//https://example.org`,
  `https://example.org/"onmouseover="${RUN}`,
  `https://example.org/'><script>${RUN}</script>`,
  `https://example.org@evil.example/`,
  `data:text/html,<script>${RUN}</script>`,
  `data:image/svg+xml,<svg onload=${RUN}>`,
  'vbscript:msgbox(1)',
  'file:///etc/passwd',
  'blob:https://evil.example/x',
  '//evil.example/x',
  `${FOREIGN}/x.png`,
  `http://evil.example:8080/x.png?<b>`,
  `ftp://evil.example/x`,
  `mailto:a@evil.example?body=<script>${RUN}</script>`,
  `![x](${FOREIGN}/x.png)`,
  `[x](javascript:${RUN})`,
];

const TEMPLATES = [
  `{{constructor.constructor('${RUN}')()}}`,
  `\${${RUN}}`,
  `#{${RUN}}`,
  `<%= ${RUN} %>`,
  `{%raw%}<script>${RUN}</script>{%endraw%}`,
  '[[${7*7}]]',
  '{{7*7}}',
  `{"__html":"<img src=x onerror=${RUN}>"}`,
  `{"dangerouslySetInnerHTML":{"__html":"<img src=x onerror=${RUN}>"}}`,
  `{"constructor":null,"type":"script","props":{"children":"${RUN}"}}`,
  `');${RUN};//`,
  `";${RUN};//`,
  `\`;${RUN};//`,
  `\\";${RUN};//`,
];

const NAMES = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'valueOf',
  'hasOwnProperty',
  '__defineGetter__',
  'null',
  'undefined',
  'NaN',
  'true',
  '0',
  '-0',
  '1e309',
  '[object Object]',
  'function(){}',
];

const SQL = [
  "'; drop table message; --",
  "' or '1'='1",
  '" or ""="',
  '1; select pg_sleep(10); --',
  "\\'; delete from chat; --",
  '$$; drop table chat; $$',
  '%',
  '_%_',
  '../../../../etc/passwd',
  '..\\..\\windows\\win.ini',
  '| cat /etc/passwd',
  '`reboot`',
  '$(reboot)',
];

const CHARACTERS = [
  'right\u202eto left\u202c and back',
  '\u202e\u202d\u2066\u2067\u2068never closed',
  'zero\u200bwidth\u200cspaces\u200d\ufeff',
  'a\u0301\u0302\u0303\u0304\u0305'.repeat(40),
  'controls \u0001\u0007\u0008\u001b[31mred\u001b[0m\u007f\u0085\u009b',
  'lines\r\nof\u2028every\u2029kind\u000b\u000c',
  'nul-like %00 \\0 \\x00 &#0; \u2400',
  '\ufffd\ufffe\uffff\u{10ffff}',
  '\u{e0001}\u{e0041}\u{e0042}tags',
  'ﷺ﷽𒐫꧅',
  '👩‍👩‍👧‍👦'.repeat(30),
  '🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}🏳️‍🌈🇩🇪🇩',
  '👍🏽'.repeat(100),
  'W'.repeat(180),
  '漢'.repeat(180),
  `${'ab-'.repeat(59)}c`,
  'مرحبا <b>עולם</b> mixed ١٢٣ abc',
  'İıſßﬀ ﬁ',
  '\t tabs \t and   blanks \t',
  '\u00a0\u3000x\u2003',
];

/** At least 200, each another one. */
export const HOSTILE: readonly string[] = [
  ...new Set([...MARKUP, ...EVENTS, ...ATTRIBUTES, ...URLS, ...TEMPLATES, ...NAMES, ...SQL, ...CHARACTERS]),
];

/** Which of them did something. */
export interface Watch {
  /** What ran, was asked of a foreign host or was stopped by the page's policy, in words. */
  findings(): Promise<string[]>;
}

/** From now on, on all pages of the context. */
export async function watchContext(context: BrowserContext, ownUrl: string): Promise<Watch> {
  const found: string[] = [];
  const { host } = new URL(ownUrl);
  context.on('request', request => {
    const { protocol, host: asked } = new URL(request.url());
    if (/^(https?|wss?):$/.test(protocol) && asked !== host) found.push(`asked ${request.url()}`);
  });
  context.on('dialog', dialog => {
    found.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await context.exposeBinding('__report', (_source, words: string) => found.push(words));
  await context.addInitScript(`
    document.addEventListener('securitypolicyviolation', event =>
      window.__report('policy: ' + event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sample));
  `);
  context.on('page', page => page.on('pageerror', error => found.push(`error: ${error.message}`)));
  const ran = async (frame: Frame): Promise<string[]> =>
    (await frame.evaluate<boolean>('window.__ran !== undefined')) ? [`ran in ${frame.url()}`] : [];
  return {
    async findings() {
      const frames = context.pages().flatMap((page: Page) => page.frames());
      return [...found, ...(await Promise.all(frames.map(ran))).flat()];
    },
  };
}
