/**
 * What the browser keeps: who the visitor is for all tabs of the site, what is half done for this tab alone. Where the browser
 * keeps nothing, the page does.
 */
import type { Form } from './forms.ts';
import { tell } from './site.ts';

export class Memory {
  readonly #prefix: string;

  constructor(server: string, location: string) {
    this.#prefix = `tandem ${server} ${location} `;
  }

  /** For all tabs. */
  readonly site = {
    read: <T>(key: string, is: Form<T>): T | undefined => read('localStorage', this.#prefix + key, is),
    write: (key: string, value: unknown): void => write('localStorage', this.#prefix + key, value),
  };

  /** For this tab; survives a reload. */
  readonly tab = {
    read: <T>(key: string, is: Form<T>): T | undefined => read('sessionStorage', this.#prefix + key, is),
    write: (key: string, value: unknown): void => write('sessionStorage', this.#prefix + key, value),
  };

  /** One tab after the other, where the browser can: two that open at once must not become two visitors. */
  async inTurn<T>(work: () => Promise<T>): Promise<T> {
    const locks = (navigator as { readonly locks?: LockManager }).locks;
    if (locks === undefined) return work();
    let begun: Promise<T> | undefined;
    const begin = (): Promise<T> => (begun ??= work());
    return locks.request(`${this.#prefix}init`, begin).catch(begin); // where the site may keep nothing, it may not lock either
  }
}

/** What a storage has not taken; newer than what is there. */
const inPage = new Map<string, string>();

type Storage = 'localStorage' | 'sessionStorage';

/** What is not of its form is forgotten. */
function read<T>(storage: Storage, key: string, is: Form<T>): T | undefined {
  const text = inPage.get(storage + key) ?? textIn(storage, key);
  if (text === null) return undefined;
  const value = parsed(text);
  if (is(value)) return value;
  tell('warn', `'${key}' in ${storage} is not what was kept there, and is forgotten`);
  write(storage, key, undefined);
  return undefined;
}

/** Even to look at a storage may throw. */
function textIn(storage: Storage, key: string): string | null {
  try {
    return window[storage].getItem(key);
  } catch {
    return null;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** undefined forgets. */
function write(storage: Storage, key: string, value: unknown): void {
  try {
    if (value === undefined) window[storage].removeItem(key);
    else window[storage].setItem(key, JSON.stringify(value));
    inPage.delete(storage + key);
  } catch {
    if (value === undefined) inPage.delete(storage + key);
    else inPage.set(storage + key, JSON.stringify(value));
  }
}
