/**
 * The page of the site, as the widget sees it. What is seen, the window and the document, is asked of the site; by these functions, which
 * do not care how its forms, elements and variables are named: on a page with `<form name="title">`, `document.title` is a form, and
 * on one with MooTools `Document` is no document. All else is the widget's own (embed.ts).
 */
import { EMBEDDING } from './embedding.ts';

/** Its window. */
export const site: Window & typeof globalThis = window[EMBEDDING]?.window ?? window;

type Method = (...given: unknown[]) => unknown;

/** What our own document can, under the names that the browser has given it. */
const ability: object | null = Reflect.getPrototypeOf(document);

/** A property of the site's document. */
export function ofDocument<K extends keyof Document>(name: K): Document[K] {
  return Reflect.get(ability ?? document, name, site.document);
}

export function setTitle(title: string): void {
  Reflect.set(ability ?? document, 'title', title, site.document);
}

export function createElement(name: string): HTMLElement {
  return Reflect.apply(ofDocument('createElement') as Method, site.document, [name]) as HTMLElement;
}

export function listen(target: Window | Document, type: string, listener: () => void): void {
  Reflect.apply(ofDocument('addEventListener') as Method, target, [type, listener]);
}

/** Nobody sees the page. */
export function isHidden(): boolean {
  const { hidden } = site.document as { readonly hidden: unknown };
  return hidden === true; // an element of that name is not
}

/** On which page the visitor is now: single-page sites change it without loading any. */
export function whereHeIs(): { readonly url: string; readonly title: string } {
  return { url: site.location.href.slice(0, 2_000), title: ofDocument('title').slice(0, 500) };
}

/** How the site's lists can be walked is its own matter; they can be counted. */
export function asArray<T>(list: ArrayLike<T> | null | undefined): T[] {
  return Array.prototype.slice.call(list ?? []) as T[];
}

/** To whoever looks after the site, in the console. */
export function tell(level: 'info' | 'warn' | 'error', what: string): void {
  console[level](`tandem: ${what}`);
}
