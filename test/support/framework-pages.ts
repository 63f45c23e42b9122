/**
 * One site for each of the ways in which sites go from page to page: `first` and `second` with a link between them, drawn by real
 * libraries as npm (one of them Debian) brings them. For test/web/widget-frameworks.test.ts.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const { resolve } = createRequire(import.meta.url);
const PROTOTYPE = '/usr/share/javascript/prototype/prototype.js';

function inPackage(name: string, file: string): string {
  return path.join(path.dirname(resolve(`${name}/package.json`)), file);
}

export const LIBRARIES: Readonly<Record<string, string>> = {
  turbo: inPackage('@hotwired/turbo', 'dist/turbo.es2017-umd.js'),
  jquery: inPackage('jquery', 'dist/jquery.js'),
  react: inPackage('react', 'umd/react.production.min.js'),
  'react-dom': inPackage('react-dom', 'umd/react-dom.production.min.js'),
  router: inPackage('@remix-run/router', 'dist/router.umd.min.js'),
  'react-router': inPackage('react-router', 'dist/umd/react-router.production.min.js'),
  'react-router-dom': inPackage('react-router-dom', 'dist/umd/react-router-dom.production.min.js'),
  vue: inPackage('vue', 'dist/vue.global.prod.js'),
  'vue-router': inPackage('vue-router', 'dist/vue-router.global.prod.js'),
  ...(existsSync(PROTOTYPE) ? { prototype: PROTOTYPE } : {}),
};

interface FrameworkPage {
  readonly libraries: readonly string[];
  /** Of the page at this path, around the widget. */
  readonly body: (path: string) => string;
  /** Behind the widget, with what the library draws. */
  readonly script?: string;
}

const OTHER: Readonly<Record<string, string>> = { first: 'second', second: 'first' };

/** Drawn by the server. */
const drawn = (name: string) => (at: string) =>
  `<h1>${at}</h1><a href="/${name}/${OTHER[at] ?? 'first'}">go to ${OTHER[at] ?? 'first'}</a>`;
const titles = 'document.title = "The page " + location.pathname.split("/")[2];';

export const FRAMEWORK_PAGES: Readonly<Record<string, FrameworkPage>> = {
  turbo: { libraries: ['turbo'], body: drawn('turbo') },
  jquery: {
    libraries: ['jquery'],
    body: drawn('jquery'),
    script: `const show = () => $.get(location.href, html => {
        $('body').html($(html).filter('h1, a'));
        ${titles}
      });
      $(window).bind('popstate', show);
      $(document).delegate('a', 'click', function (event) {
        event.preventDefault();
        history.pushState(null, '', this.href);
        show();
      });`,
  },
  prototype: {
    libraries: ['prototype'],
    body: drawn('prototype'),
    script: `Array.prototype.toJSON = function () { return '[' + this.map(Object.toJSON).join(', ') + ']'; }; // as before 1.7
      document.observe('dom:loaded', () => $$('h1').invoke('addClassName', 'seen'));`,
  },
  react: {
    libraries: ['react', 'react-dom', 'router', 'react-router', 'react-router-dom'],
    body: () => '<div id="root"></div>',
    script: `const { createElement: h, useEffect } = React;
      const { BrowserRouter, Routes, Route, Link } = ReactRouterDOM;
      const Page = ({ at, other }) => {
        useEffect(() => { ${titles} });
        return h('main', null, h('h1', null, at), h(Link, { to: '/' + other }, 'go to ' + other));
      };
      ReactDOM.createRoot(document.getElementById('root')).render(h(BrowserRouter, { basename: '/react' }, h(Routes, null,
        h(Route, { path: '/first', element: h(Page, { at: 'first', other: 'second' }) }),
        h(Route, { path: '/second', element: h(Page, { at: 'second', other: 'first' }) }))));`,
  },
  vue: {
    libraries: ['vue', 'vue-router'],
    body: () => '<div id="app"><router-view></router-view></div>',
    script: `const page = (at, other) => ({ mounted() { ${titles} },
        render: () => Vue.h('main', [Vue.h('h1', at), Vue.h(VueRouter.RouterLink, { to: '/' + other }, () => 'go to ' + other)]) });
      const router = VueRouter.createRouter({ history: VueRouter.createWebHistory('/vue'),
        routes: [{ path: '/first', component: page('first', 'second') }, { path: '/second', component: page('second', 'first') }] });
      Vue.createApp({}).use(router).mount('#app');`,
  },
};

/** `widget` is its address. */
export function frameworkHtml(name: string, at: string, widget: string): string | undefined {
  const page = FRAMEWORK_PAGES[name];
  if (page === undefined) return undefined;
  const scripts = page.libraries.map(library => `<script src="/lib/${library}"></script>`);
  return `<!doctype html><html><head><meta charset="utf-8"><title>The page ${at}</title>${scripts.join('')}</head>
    <body>${page.body(at)}<script src="${widget}"></script>${page.script === undefined ? '' : `<script>${page.script}</script>`}</body></html>`;
}
