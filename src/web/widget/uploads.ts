/**
 * Files on their way to the server. XMLHttpRequest, because it alone tells how much has gone. A file that was cut off is sent again
 * under its id when there is a connection, and is one file all the same.
 */
import { type ReadonlySignal, signal } from '@preact/signals';
import { CallError, type Calls, credentials } from './calls.ts';
import type { Link } from './link.ts';
import { whereHeIs } from './site.ts';
import type { FileDescription } from './wire.ts';

export interface Upload {
  readonly id: string;
  readonly file: File;
  /** 0 … 1. */
  readonly progress: number;
  /** Why it was refused; undefined: it is on its way. */
  readonly failure?: string;
}

const MAX_TRIES = 4;
const SAID_WITHIN_MS = 2_000;
const RETRY_MS = 1_000;
/** Nothing has gone for so long: the connection is dead. */
const STALL_MS = 60_000;
const PASSING: readonly string[] = ['no-connection', 'server-not-ready', 'reinit-required'];

type Carrier = Pick<Link, 'page' | 'isUp' | 'act'>;

export class Uploads {
  readonly #calls: Calls;
  readonly #link: Carrier;
  readonly #list = signal<readonly Upload[]>([]);
  /** Tries so far of those that wait for a connection. */
  readonly #tries = new Map<string, number>();
  #current: { readonly id: string; readonly request: XMLHttpRequest } | undefined;
  readonly #done = new Set<string>();

  constructor(calls: Calls, link: Carrier) {
    this.#calls = calls;
    this.#link = link;
  }

  get list(): ReadonlySignal<readonly Upload[]> {
    return this.#list;
  }

  add(files: readonly File[]): void {
    this.#list.value = [
      ...this.#list.value,
      ...files.map(file => ({ id: crypto.getRandomValues(new Uint32Array(4)).join('-'), file, progress: 0 })),
    ];
    this.#sendNext();
  }

  retry(id: string): void {
    this.#tries.delete(id);
    this.#list.value = this.#list.value.map(upload => (upload.id === id ? { id, file: upload.file, progress: 0 } : upload));
    this.#sendNext();
  }

  cancel(id: string): void {
    this.#forget(new Set([id]));
    if (this.#current?.id === id) this.#current.request.abort();
  }

  /** Messages with these ids were seen. */
  confirm(ids: ReadonlySet<string>): void {
    if (this.#list.value.some(({ id }) => ids.has(id))) this.#forget(ids);
  }

  /** There is a connection again. */
  resend(): void {
    this.#sendNext();
  }

  /** One at a time: they appear in the order in which they were chosen. */
  #sendNext(): void {
    const { page } = this.#link;
    const next = this.#list.value.find(({ id, failure }) => failure === undefined && !this.#done.has(id));
    if (this.#current !== undefined || next === undefined || page === undefined || !this.#link.isUp) return;
    const { id, file } = next;
    const body = new FormData();
    for (const [name, value] of Object.entries({ ...credentials(page), ...whereHeIs(), 'client-side-id': id })) body.append(name, value);
    body.append('webim_upload_file', file, file.name);
    const request = new XMLHttpRequest();
    request.open('POST', `${this.#calls.server}/l/v/m/upload`);
    let stall = setTimeout(() => request.abort(), STALL_MS);
    request.upload.onprogress = ({ loaded, total }) => {
      clearTimeout(stall);
      stall = setTimeout(() => request.abort(), STALL_MS);
      this.#change(id, { progress: loaded / Math.max(1, total) });
    };
    request.onloadend = () => {
      clearTimeout(stall);
      const failure = failureOf(request);
      const pauseMs = this.#settle(id, failure);
      if (failure === undefined) this.#say(id, request.responseText);
      setTimeout(() => {
        this.#current = undefined;
        this.#sendNext();
      }, pauseMs);
    };
    this.#current = { id, request };
    request.send(body);
  }

  /** Returns after how many milliseconds to go on. */
  #settle(id: string, failure: string | undefined): number {
    if (!this.#list.value.some(upload => upload.id === id)) return 0; // cancelled
    if (failure === undefined) {
      this.#done.add(id);
      this.#change(id, { progress: 1 });
      return 0;
    }
    const tries = (this.#tries.get(id) ?? 0) + 1;
    this.#tries.set(id, tries);
    const mayPass = PASSING.includes(failure) && tries < MAX_TRIES;
    this.#change(id, mayPass ? { progress: 0 } : { failure });
    return mayPass ? RETRY_MS * tries : 0;
  }

  /**
   * A server that only keeps what is uploaded (`upload_messages = together`) waits for the word that sends it. It does not say that it is
   * one: where the message comes by itself, it has come by then.
   */
  #say(id: string, answer: string): void {
    setTimeout(() => {
      if (!this.#done.has(id)) return;
      const { data } = JSON.parse(answer) as { readonly data: FileDescription };
      const parameters = { kind: 'file_visitor', message: JSON.stringify([data]), 'client-side-id': id };
      this.#link.act('chat.message', parameters).catch((error: unknown) => this.#unsay(id, error));
    }, SAID_WITHIN_MS);
  }

  /** The server has the file, and nobody sees it: it is sent once more, or offered again. */
  #unsay(id: string, error: unknown): void {
    if (!this.#done.delete(id)) return; // its message has come
    const pauseMs = this.#settle(id, error instanceof CallError ? error.code : 'internal-error');
    setTimeout(() => this.#sendNext(), pauseMs);
  }

  #change(id: string, change: Partial<Upload>): void {
    this.#list.value = this.#list.value.map(upload => (upload.id === id ? { ...upload, ...change } : upload));
  }

  #forget(ids: ReadonlySet<string>): void {
    this.#list.value = this.#list.value.filter(({ id }) => !ids.has(id));
    for (const id of ids) {
      this.#tries.delete(id);
      this.#done.delete(id);
    }
  }
}

function failureOf(request: XMLHttpRequest): string | undefined {
  if (request.status === 0) return 'no-connection';
  try {
    return (JSON.parse(request.responseText) as { readonly error?: string }).error;
  } catch {
    return 'no-connection';
  }
}
