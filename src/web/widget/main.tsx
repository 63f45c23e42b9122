/**
 * The widget on a web site: `<script src="https://chat.example.org/widget.js" data-location="…">` (docs/widget.md). Called by embed.ts, in a
 * frame of its own if one can be had. Everything it shows is under one element with a shadow root of its own; to the site it is
 * `window.tandem`.
 */
import { effect } from '@preact/signals';
import { render } from 'preact';
import theme from '../shared/theme.css?inline';
import { closePanel, openPanel } from './actions.ts';
import { textColorOn } from './color.ts';
import { EMBEDDING, type Embedding } from './embedding.ts';
import { isFlag } from './forms.ts';
import { readOptions } from './options.ts';
import { site } from './site.ts';
import { Store } from './store.ts';
import { App } from './view/app.tsx';
import { PHONE } from './view/panel.tsx';
import messages from './messages.css?inline';
import layout from './widget.css?inline';

/** What is done in the widget is none of the site's shortcuts, and no picture for its own editor. */
const OURS = ['keydown', 'keypress', 'keyup', 'copy', 'cut', 'paste', 'dragenter', 'dragover', 'drop'];

if (site !== window) {
  // Preact has new elements made by the document, and the registry, of those that they come into. Let it be ours: then their methods
  // are the browser's own too. (A browser that gives elements the methods of where they are put, gives them the site's.)
  Object.defineProperty(Node.prototype, 'ownerDocument', { get: () => document });
  Object.defineProperty(Element.prototype, 'customElementRegistry', { get: () => undefined });
}
const embedding = window[EMBEDDING];
if (embedding !== undefined) run(embedding);

function run(embedding: Embedding): void {
  const store = new Store(readOptions(embedding.script));
  const isOpenBefore = store.memory.tab.read('open', isFlag);
  if (site.matchMedia(PHONE).matches && store.options.isOpenAtFirst && isOpenBefore === undefined) closePanel(store);
  const obey = (isOpen: boolean): void => (isOpen ? openPanel(store) : closePanel(store));
  if (embedding.wish !== undefined) obey(embedding.wish);
  embedding.wish = undefined;
  embedding.obey = obey;
  effect(() => {
    const count = store.unreadCount.value; // read also while nobody wants to know, or it would not be followed
    queueMicrotask(() => embedding.tandem.onUnread?.(count)); // what the site throws is its own
  });
  store.start();
  mount(store, embedding.root);
}

function mount(store: Store, root: ShadowRoot): void {
  const { position, theme: scheme, color, language } = store.options;
  const place = document.createElement('div');
  place.className = 'tandem';
  place.lang = language;
  place.dataset['position'] = position;
  root.adoptedStyleSheets = [theme, layout, messages].map(sheet);
  Node.prototype.appendChild.call(root, place);
  if (scheme !== 'auto') place.style.setProperty('color-scheme', scheme);
  if (color !== undefined && CSS.supports('color', color)) {
    place.style.setProperty('--brand', color);
    place.style.setProperty('--on-brand', textColorOn(color, place));
  }
  for (const type of OURS) place.addEventListener(type, event => event.stopPropagation());
  render(<App store={store} />, place);
}

/** Constructed, because the site's policy may forbid style elements; and the site's, because its document takes no others. */
function sheet(css: string): CSSStyleSheet {
  const made = new site.CSSStyleSheet();
  made.replaceSync(css);
  return made;
}
