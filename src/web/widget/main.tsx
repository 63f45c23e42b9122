/**
 * The widget on a web site: `<script src="https://chat.example.org/widget.js" data-location="…">` (docs/widget.md). Everything it
 * shows is under one element with a shadow root of its own; to the site it is `window.tandem`.
 */
import { effect } from '@preact/signals';
import { render } from 'preact';
import theme from '../shared/theme.css?inline';
import { closePanel, openPanel } from './actions.ts';
import { textColorOn } from './color.ts';
import { type Options, readOptions } from './options.ts';
import { Store } from './store.ts';
import { App } from './view/app.tsx';
import { PHONE } from './view/panel.tsx';
import messages from './messages.css?inline';
import layout from './widget.css?inline';

export interface Tandem {
  readonly open: () => void;
  readonly close: () => void;
  /** Called with the number of unread messages whenever it changes. */
  onUnread?: (count: number) => void;
}

declare global {
  interface Window {
    tandem?: Tandem;
  }
}

const script = document.currentScript;
if (window.tandem === undefined && script instanceof HTMLScriptElement) start(readOptions(script));

function start(options: Options): void {
  const store = new Store(options);
  if (matchMedia(PHONE).matches && options.isOpenAtFirst && store.memory.tab.read('open') === undefined) closePanel(store);
  const tandem: Tandem = { open: () => openPanel(store), close: () => closePanel(store) };
  window.tandem = tandem;
  effect(() => {
    const count = store.unreadCount.value; // read also while nobody wants to know, or it would not be followed
    queueMicrotask(() => tandem.onUnread?.(count)); // what the site throws is its own
  });
  store.start();
  if (document.readyState === 'loading') addEventListener('DOMContentLoaded', () => mount(store));
  else mount(store);
}

function mount(store: Store): void {
  const { position, theme: scheme, color, language } = store.options;
  const host = document.createElement('tandem-chat');
  host.lang = language;
  host.dataset['position'] = position;
  const root = host.attachShadow({ mode: 'open' });
  root.adoptedStyleSheets = [theme, layout, messages].map(sheet);
  document.body.append(host);
  if (scheme !== 'auto') host.style.setProperty('color-scheme', scheme);
  if (color !== undefined && CSS.supports('color', color)) {
    host.style.setProperty('--brand', color);
    host.style.setProperty('--on-brand', textColorOn(color, host));
  }
  render(<App store={store} />, root);
}

/** Constructed, because the site's policy may forbid style elements. */
function sheet(css: string): CSSStyleSheet {
  const made = new CSSStyleSheet();
  made.replaceSync(css);
  return made;
}
