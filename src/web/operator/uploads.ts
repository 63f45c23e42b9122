/** Files on their way up, with how far each is; sent again under the same id it is the same file. */
import { signal } from '@preact/signals';
import { ApiError, type ErrorAnswer } from '../shared/api.ts';
import { serverUrl } from '../shared/server.ts';
import { newClientId } from './outbox.ts';
import type { WordsKind } from './wire.ts';
import { fill, sizeOf, words } from './words.ts';

export interface Upload {
  readonly clientSideId: string;
  readonly chatId: number;
  /** What it was put in as; it never changes. */
  readonly kind: WordsKind;
  readonly file: File;
  /** 0 … 1 */
  readonly progress: number;
  /** Why it was refused; null while it is on its way. */
  readonly failure: unknown;
  readonly isTooLarge: boolean;
}

export class Uploads {
  readonly items = signal<readonly Upload[]>([]);
  readonly #requests = new Map<string, XMLHttpRequest>();

  send({ chatId, kind }: Pick<Upload, 'chatId' | 'kind'>, files: Iterable<File>, maxFileSize: number): void {
    for (const file of files) {
      const isTooLarge = file.size > maxFileSize;
      const upload: Upload = { clientSideId: newClientId(), chatId, kind, file, progress: 0, failure: null, isTooLarge };
      this.items.value = [...this.items.value, upload];
      if (!isTooLarge) this.#start(upload);
    }
  }

  sendAgain(upload: Upload): void {
    this.#change(upload.clientSideId, { progress: 0, failure: null });
    this.#start(upload);
  }

  /** Stops it, if it is still on its way. */
  remove(clientSideId: string): void {
    this.items.value = this.items.value.filter(item => item.clientSideId !== clientSideId);
    this.#requests.get(clientSideId)?.abort();
    this.#requests.delete(clientSideId);
  }

  stop(): void {
    for (const { clientSideId } of this.items.value) this.remove(clientSideId);
  }

  /** XMLHttpRequest, because fetch does not tell how much has gone up. */
  #start({ clientSideId, chatId, kind, file }: Upload): void {
    const form = new FormData();
    // In the address: a node of a version that knows no notes with files looks for them in the form, and refuses.
    const address = new URLSearchParams({ kind, chatId: String(chatId), clientSideId });
    form.append('webim_upload_file', file, file.name);
    const request = new XMLHttpRequest();
    this.#requests.set(clientSideId, request);
    const fail = (error: ErrorAnswer): void => {
      this.#requests.delete(clientSideId);
      this.#change(clientSideId, { failure: new ApiError(error) });
    };
    request.upload.onprogress = ({ loaded, total }) => this.#change(clientSideId, { progress: total === 0 ? 0 : loaded / total });
    request.onerror = () => fail({ error: 'no-connection' });
    request.onload = () => {
      const answer = request.response as ErrorAnswer | { readonly result: string } | null;
      if (answer === null) fail({ error: 'no-connection' });
      else if ('error' in answer) fail(answer);
      else this.remove(clientSideId);
    };
    request.open('POST', serverUrl(`/l/o/upload?${address.toString()}`));
    request.responseType = 'json';
    request.send(form);
  }

  #change(clientSideId: string, changes: Partial<Upload>): void {
    this.items.value = this.items.value.map(item => (item.clientSideId === clientSideId ? { ...item, ...changes } : item));
  }
}

export function tooLargeText(maxFileSize: number): string {
  return fill(words.fileTooLarge, { size: sizeOf(maxFileSize) });
}
