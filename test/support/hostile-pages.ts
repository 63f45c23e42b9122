/**
 * Pages of sites that do what real ones do, and that a widget must live with: each by what it has in its head before the widget, in its
 * body, how it embeds the widget, and what its scripts do once the widget is there. For test/web/widget-any-page.test.ts.
 */
export interface HostilePage {
  readonly head?: string;
  readonly body?: string;
  /** `src` is the address of widget.js. */
  readonly embed?: (src: string) => string;
  /** A script, run when the widget is seen. */
  readonly then?: string;
  /** What is kept of the visitor must be found again. */
  readonly isReloaded?: true;
  /** What must be said in the console. */
  readonly says?: RegExp;
}

const script = (text: string): string => `<script>${text}</script>`;

/** Built-ins as no library should leave them, and some did. */
const BUILT_INS = {
  'gives all built-ins a toJSON':
    'for (const it of [Array, String, Object, Number, Boolean, Date]) it.prototype.toJSON = function () { return "made by a library: " + this; };',
  'has methods of lists that do something else': `
    for (const name of ['map', 'filter', 'reduce', 'find', 'findIndex', 'some', 'every', 'includes', 'flatMap', 'entries', 'keys', 'at'])
      Array.prototype[name] = function () { return this; };
    Array.from = it => it.length ? [it] : [];`,
  'has methods of texts that do something else': `
    for (const name of ['replace', 'replaceAll', 'startsWith', 'includes', 'split', 'padStart', 'slice', 'trim', 'match'])
      String.prototype[name] = function () { return 'a text'; };`,
  'has a bind that forgets its object': 'Function.prototype.bind = function () { return () => undefined; };',
  'adds to every object': `
    for (const name of ['get', 'set', 'value', 'each', 'is', 'ref', 'key', 'children', 'error', 'id', 'url', 'signal'])
      Object.prototype[name] = function () { return name; };
    Array.prototype.each = Array.prototype.forEach;`,
  'replaces what scripts are made of': `
    for (const name of ['Promise', 'Map', 'Set', 'WeakMap', 'URL', 'URLSearchParams', 'AbortSignal', 'AbortController', 'Date', 'Intl',
      'fetch', 'WebSocket', 'XMLHttpRequest', 'FormData', 'TextEncoder', 'Request', 'Response', 'Event', 'Element', 'Node', 'Document'])
      window[name] = function () { throw new Error(name + ' of the page'); };
    window.JSON = { stringify: () => '[]', parse: () => ({}) };`,
  'gives all elements methods of its own': `
    for (const name of ['remove', 'append', 'prepend', 'matches', 'closest', 'scrollTo', 'contains', 'toggleAttribute', 'show', 'hide', 'focus'])
      Element.prototype[name] = HTMLElement.prototype[name] = function () { return this.id; };`,
  'freezes what all share': 'for (const it of [Object, Array, String, Function, Promise, Map]) Object.freeze(it.prototype);',
} as const;

const LATER = [
  'gives all built-ins a toJSON',
  'has methods of lists that do something else',
  'gives all elements methods of its own',
] as const;

/** Names of ours and of the browser's, taken by forms, pictures, links and variables. */
const NAMES = {
  'has a form that is called as we are': { body: '<form id="tandem"><input name="action"><input name="open"></form>' },
  'has forms and pictures that are called as parts of the document': {
    body: [
      'title',
      'body',
      'currentScript',
      'documentElement',
      'createElement',
      'hidden',
      'activeElement',
      'addEventListener',
      'readyState',
    ]
      .map(name => `<form name="${name}"><input name="action" value="buy"></form>`)
      .join('<img name="currentScript" alt=""><iframe name="tandem" hidden></iframe>'),
  },
  'has elements that are called as methods of the window': {
    body: ['addEventListener', 'removeEventListener', 'dispatchEvent', 'tandem', 'chat', 'launcher', 'panel']
      .map(name => `<a id="${name}" href="#">${name}</a>`)
      .join(''),
  },
  'has a variable of our name': { head: script('var tandem = { bicycle: true };'), says: /window\.tandem is something of the page/ },
};

/** Styles for every element, for empty ones, for those that nobody has defined; and shapes of the page itself. */
export const STYLES: Readonly<Record<string, string>> = {
  'hides what is empty or not defined': 'div:empty, *:empty, :not(:defined) { display: none !important; }',
  'resets all elements': '* { all: unset !important; } html, body { display: block !important; }',
  'says everything of every element': `html > * { position: static !important; visibility: hidden !important; opacity: 0 !important;
    pointer-events: none !important; transform: translateY(-50vh) !important; direction: rtl; color: red; --text: red; --surface: red; --edge: 900px; }`,
  'moves its body': 'body { transform: translateX(-30vw) scale(.5); filter: blur(1px); height: 10px; overflow: hidden; contain: strict; }',
  'moves itself':
    'html { transform: translateX(-30vw) scale(.5); will-change: transform; contain: paint; height: 10px; overflow: hidden; }',
  'lays itself over all': 'body::after { content: ""; position: fixed; inset: 0; z-index: 2147483647; background: white; }',
};

/** What becomes of the document under the widget. */
export const CHANGES: Readonly<Record<string, string>> = {
  'puts another body in the place of its own': 'document.body = Object.assign(document.createElement("body"), { textContent: "another" })',
  'makes its body inert': 'document.body.inert = true',
  'writes its document anew': 'document.open(); document.write("<!doctype html><title>anew</title><p>anew</p>"); document.close()',
  'puts another root in the place of its own': `(() => {
    const html = document.createElement('html');
    html.append(document.createElement('head'), document.createElement('body'));
    document.replaceChild(html, document.documentElement);
  })()`,
  'removes what it does not know': 'document.querySelector("tandem-chat").remove()',
  'moves it elsewhere': 'document.body.append(document.querySelector("tandem-chat"))',
};

const WAYS = {
  'as a module': (src: string) => `<script type="module" src="${src}"></script>`,
  'from a module': (src: string) => `<script type="module">import '${src}';</script>`,
  'in its head': (src: string) => `<script defer src="${src}"></script>`,
  'late, by a script': (src: string) =>
    script(`addEventListener('load', () => setTimeout(() => {
      document.body.appendChild(document.createElement('script')).src = '${src}';
    }, 50));`),
};

export const PAGES: Readonly<Record<string, HostilePage>> = {
  ...named(BUILT_INS, text => ({ head: script(text), isReloaded: true })),
  ...Object.fromEntries(LATER.map(name => [`${name}, later`, { then: BUILT_INS[name] }])),
  ...NAMES,
  ...Object.fromEntries(Object.entries(WAYS).map(([how, embed]) => [`loads it ${how}`, { embed }])),
  'loads it twice': { embed: src => `<script src="${src}"></script>`.repeat(2), says: /on this page already/ },
  'allows no frame’s script': {
    head: `<meta http-equiv="Content-Security-Policy" content="require-trusted-types-for 'script'; trusted-types another">`,
    says: /cannot have a frame of its own/,
  },
};

function named<T>(table: Readonly<Record<string, T>>, page: (it: T) => HostilePage): Record<string, HostilePage> {
  return Object.fromEntries(Object.entries(table).map(([name, it]) => [name, page(it)]));
}
