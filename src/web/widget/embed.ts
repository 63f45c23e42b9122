/**
 * Where widget.js begins. Among the scripts of the site it puts `<tandem-chat>` on the page, and in it a frame that nobody sees, in
 * which widget.js runs once more and is the widget (main.tsx). A frame has built-ins of its own: whatever the page has done to
 * Array.prototype or JSON, before or after, the widget's are as the browser made them. Here it does as little as it can, because it
 * relies on what the site has left of them; it never fails without a word in the console.
 */
import { comeBack } from './come-back.ts';
import { EMBEDDING, type Embedding, type Tandem } from './embedding.ts';
import { ownScript } from './own-script.ts';
import { createElement, listen, ofDocument, tell } from './site.ts';

declare global {
  interface Window {
    [PRESENT]?: true;
    tandem?: Tandem;
  }
}

/** One widget on a page, whatever the page calls its own. */
const PRESENT: unique symbol = Symbol.for('tandem-chat') as never;

/** The widget; scripts/build-web.mjs puts it beside. */
declare function tandemWidget(): void;

if (window[EMBEDDING] === undefined) embed();
else tandemWidget();

function embed(): void {
  if (window[PRESENT] === true) {
    tell('info', 'the widget is on this page already; a second copy does nothing');
    return;
  }
  const script = ownScript();
  if (script === undefined) {
    tell('error', 'it is not known where the server is: embed it by <script src="https://…/widget.js">');
    return;
  }
  window[PRESENT] = true;
  const host = createElement('tandem-chat');
  const embedding = embeddingOf(host.attachShadow({ mode: 'open' }), script);
  offer(embedding);
  const put = (): void => putOn(host, embedding);
  if (ofDocument('readyState') === 'loading') listen(document, 'DOMContentLoaded', put);
  else put();
}

function embeddingOf(root: ShadowRoot, script: Embedding['script']): Embedding {
  const command = (isOpen: boolean): void => {
    if (embedding.obey === undefined) embedding.wish = isOpen;
    else embedding.obey(isOpen);
  };
  const tandem = { open: () => command(true), close: () => command(false) };
  const embedding: Embedding = { window, root, script, tandem, wish: undefined, obey: undefined };
  return embedding;
}

/** What the site calls `tandem` itself stays. An element of that name does not count: it is found only where nothing else is. */
function offer({ tandem }: Embedding): void {
  if (Object.hasOwn(window, 'tandem')) tell('warn', 'window.tandem is something of the page: the widget cannot be opened and closed by it');
  else window.tandem = tandem;
}

/**
 * Beside the body: what the page puts in the body's place, or does to its shape, does not touch it. In the top layer, where a
 * transformed page does not move it either.
 */
function putOn(host: HTMLElement, embedding: Embedding): void {
  const frame = createElement('iframe') as HTMLIFrameElement;
  frame.style.display = 'none';
  frame.ariaHidden = 'true';
  let isFramed = true;
  const cannot = (reason: unknown): void => {
    if (!isFramed) return;
    isFramed = false;
    tell('warn', `it cannot have a frame of its own (${String(reason)}), and depends on what other scripts do to the page`);
    window[EMBEDDING] = embedding;
    tandemWidget();
  };
  /** A frame is loaded anew wherever it is put; then nobody is in it, and what is seen is dead. */
  const begin = (): void => {
    rise(host);
    if (isFramed) runIn(frame, embedding, cannot);
  };
  embedding.root.appendChild(frame);
  host.popover = 'manual';
  comeBack(host, () => {
    frame.onload = begin; // again: document.open() takes the listeners of all elements
    const page = ofDocument('documentElement') as HTMLElement | null;
    page?.appendChild(host);
  });
}

function rise(host: HTMLElement): void {
  try {
    host.showPopover();
  } catch {
    // It is there already.
  }
}

function runIn(frame: HTMLIFrameElement, embedding: Embedding, cannot: (reason: unknown) => void): void {
  try {
    const inside = frame.contentWindow;
    if (inside === null) throw new Error('it has no window');
    while (frame.nextSibling !== null) embedding.root.removeChild(frame.nextSibling);
    embedding.obey = undefined;
    inside[EMBEDDING] = embedding;
    const script = inside.document.createElement('script');
    const { src, nonce, integrity, crossOrigin } = embedding.script;
    if (nonce !== undefined) script.nonce = nonce;
    if (integrity !== undefined) script.integrity = integrity;
    if (crossOrigin !== undefined) script.crossOrigin = crossOrigin;
    script.src = trusted(inside, src);
    script.onerror = () => cannot('its script does not load');
    inside.document.documentElement.appendChild(script);
  } catch (error) {
    cannot(error);
  }
}

interface TrustedTypes {
  readonly trustedTypes?: {
    createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
  };
}

/** Sites with `require-trusted-types-for 'script'` want a policy; those that list policies must list `tandem`. */
function trusted(inside: Window & TrustedTypes, src: string): string {
  return inside.trustedTypes?.createPolicy('tandem', { createScriptURL: url => url }).createScriptURL(src) ?? src;
}
