/**
 * What the visitor has said and the server has not confirmed. One after the other, each under an id of its own until its message
 * comes back, so that it is said once whatever happens in between; kept through a reload.
 */
import { type ReadonlySignal, signal } from '@preact/signals';
import { CallError, type Parameters } from './calls.ts';
import { isListOfUnsent, type Unsent } from './forms.ts';
import type { Memory } from './memory.ts';

interface Carrier {
  readonly isUp: boolean;
  act(action: string, parameters: Parameters): Promise<void>;
}

const KEY = 'unsent';
const MAX_TRIES = 8;
const RETRY_MS = 1_000;
/** The server's storage may be away for as long as that. */
const MAX_RETRY_MS = 8_000;

export class Outbox {
  readonly #carrier: Carrier;
  readonly #memory: Memory;
  readonly #entries = signal<readonly Unsent[]>([]);
  /** On this connection; their messages will come. */
  readonly #sent = new Set<string>();
  #isSending = false;

  constructor(carrier: Carrier, memory: Memory) {
    this.#carrier = carrier;
    this.#memory = memory;
    this.#entries.value = memory.tab.read(KEY, isListOfUnsent) ?? [];
  }

  get entries(): ReadonlySignal<readonly Unsent[]> {
    return this.#entries;
  }

  add(...entries: readonly Omit<Unsent, 'ts'>[]): void {
    const ts = Date.now() / 1_000;
    this.#set([...this.#entries.value, ...entries.map(entry => ({ ...entry, ts }))]);
    void this.#send();
  }

  retry(id: string): void {
    this.#sent.delete(id);
    this.#set(
      this.#entries.value.map(({ failure, ...entry }) => (entry.id === id || failure === undefined ? entry : { ...entry, failure })),
    );
    void this.#send();
  }

  discard(id: string): void {
    this.#set(this.#entries.value.filter(entry => entry.id !== id));
  }

  /** Messages with these ids were seen. */
  confirm(ids: ReadonlySet<string>): void {
    if (this.#entries.value.some(({ id }) => ids.has(id))) this.#set(this.#entries.value.filter(({ id }) => !ids.has(id)));
  }

  /** A new connection: what was not confirmed on the last one is said again, under its id. */
  resend(): void {
    this.#sent.clear();
    void this.#send();
  }

  async #send(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      for (let next = this.#next(); next !== undefined && this.#carrier.isUp; next = this.#next()) await this.#sendOne(next);
    } finally {
      this.#isSending = false;
    }
  }

  async #sendOne({ id, action, parameters, text }: Unsent): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await this.#carrier.act(action, { ...parameters, 'client-side-id': id });
        if (text === undefined) this.discard(id);
        else this.#sent.add(id);
        return;
      } catch (error) {
        const code = error instanceof CallError ? error.code : 'internal-error';
        const mayPass = error instanceof CallError && error.isPassing;
        // Without a connection it waits for the next one, which calls `resend`.
        if (mayPass && !this.#carrier.isUp) return;
        if (!mayPass || tries >= MAX_TRIES) {
          this.#fail(id, code);
          return;
        }
        await new Promise(resolve => setTimeout(resolve, Math.min(MAX_RETRY_MS, RETRY_MS * tries)));
      }
    }
  }

  #next(): Unsent | undefined {
    return this.#entries.value.find(entry => entry.failure === undefined && !this.#sent.has(entry.id));
  }

  /** A step that nobody sees is not held against the message behind it. */
  #fail(id: string, failure: string): void {
    if (this.#entries.value.some(entry => entry.id === id && entry.text === undefined)) {
      this.discard(id);
      return;
    }
    this.#set(this.#entries.value.map(entry => (entry.id === id ? { ...entry, failure } : entry)));
  }

  #set(entries: readonly Unsent[]): void {
    this.#entries.value = entries;
    this.#memory.tab.write(KEY, entries.length === 0 ? undefined : entries);
  }
}
