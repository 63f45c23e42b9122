/** What the run of widget.js on the site's page (embed.ts) hands to the one that is the widget (main.tsx), in a frame of its own. */

/** To the site it is `window.tandem`. */
export interface Tandem {
  readonly open: () => void;
  readonly close: () => void;
  /** Called with the number of unread messages whenever it changes. */
  onUnread?: (count: number) => void;
}

/** A script element, as far as it counts; or what is known of a module that none has brought. */
export interface Script {
  readonly src: string;
  readonly dataset: Readonly<Record<string, string | undefined>>;
  readonly nonce?: string;
  readonly integrity?: string;
  readonly crossOrigin?: string | null;
}

export interface Embedding {
  /** The site's. */
  readonly window: Window & typeof globalThis;
  /** Of `<tandem-chat>`: all that is seen is in it. */
  readonly root: ShadowRoot;
  readonly script: Script;
  readonly tandem: Tandem;
  /** Open or closed, as the site has asked for while nobody could obey. */
  wish: boolean | undefined;
  /** The widget's: opens and closes the panel. */
  obey: ((isOpen: boolean) => void) | undefined;
}

/** On the window where the widget runs: its frame's, or the site's for want of one. */
export const EMBEDDING: unique symbol = Symbol.for('tandem-chat embedding') as never;

declare global {
  interface Window {
    [EMBEDDING]?: Embedding;
  }
}
