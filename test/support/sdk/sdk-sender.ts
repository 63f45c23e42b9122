/** What an app sends: chats, messages, files; and how it shows them until the server has them. */
import { randomBytes } from 'node:crypto';
import { type Handled, HANDLED, type Result } from './action-queue.ts';
import { uploaded } from './answers.ts';
import type { Outgoing } from './conversation.ts';
import type { SentFile } from './decode.ts';
import type { UploadedPart } from './http.ts';
import type { Decoder, JsonObject } from './json.ts';
import { SdkCore } from './sdk-core.ts';
import { downloadUrl } from './signed-link.ts';

export interface Upload {
  readonly clientSideId: string;
  readonly file: SentFile | undefined;
  readonly error: string | undefined;
}

export type Parameters = Readonly<Record<string, string>>;

export const newId = (): string => randomBytes(16).toString('hex');

export abstract class SdkSender extends SdkCore {
  /** The client-side-id of the chat. */
  startChat(parameters: Parameters = {}): string {
    const clientSideId = newId();
    this.conversation.isChatBeingOpened = true;
    void this.action('chat.start', { 'force-online': this.flag(true), 'client-side-id': clientSideId, ...parameters });
    return clientSideId;
  }

  /** The client-side-id under which it is shown. */
  send(text: string, parameters: Parameters = {}): string {
    const clientSideId = newId();
    this.deliver({ clientSideId, kind: 'visitor', text, sendStatus: 'SENDING' }, 'all', parameters);
    return clientSideId;
  }

  /** Shown as a message at once; the server adds the message itself. */
  upload(filename: string, contentType: string, bytes: Uint8Array): Promise<Upload> {
    return this.#upload({ filename, contentType, bytes }, true);
  }

  /** For sendFiles; the server must be set to make no message of it, for the request is the same. */
  uploadOnly(filename: string, contentType: string, bytes: Uint8Array): Promise<Upload> {
    return this.#upload({ filename, contentType, bytes }, false);
  }

  /** Uploaded files as one message. Android writes the guid into `localPath`. */
  sendFiles(files: readonly SentFile[]): string {
    const clientSideId = newId();
    const list = this.session.isAndroid
      ? files.map(({ guid, filename, size, content_type }) => {
          const url = this.downloadUrl(guid, filename);
          return { contentType: content_type, filename, size, url, localPath: guid };
        })
      : files;
    this.deliver({ clientSideId, kind: 'file_visitor', text: JSON.stringify(list), sendStatus: 'SENDING' }, 'all', {
      kind: 'file_visitor',
    });
    return clientSideId;
  }

  deleteFile(guid: string): Promise<Result> {
    return this.get('/l/v/file-delete', { guid }, HANDLED['file-delete']);
  }

  downloadUrl(guid: string, filename: string, { thumb = false } = {}): string {
    const { options, page, isAndroid } = this.session;
    if (page === undefined) throw new Error('no page yet');
    const isSigned = !isAndroid || this.configs?.accountConfig?.['check_visitor_auth'] === true;
    return downloadUrl(options.url, options.platform, page, { guid, filename, thumb, isSigned });
  }

  protected override resend(outgoing: Outgoing): void {
    this.deliver(outgoing, 'all');
  }

  protected get(path: string, parameters: Parameters, handled: Handled = []): Promise<Result> {
    return this.enqueue({ call: { method: 'GET', path, parameters }, handled });
  }

  /** A chat is started before a message whenever the known one counts as closed; not twice. */
  protected openChat(): void {
    if (this.conversation.isClosed && !this.conversation.isChatBeingOpened) this.startChat();
  }

  protected deliver(outgoing: Outgoing, handled: Handled, more: Parameters = {}): void {
    const { clientSideId, text } = outgoing;
    this.openChat();
    void this.show(outgoing, this.action('chat.message', { message: text, 'client-side-id': clientSideId, ...more }, handled));
  }

  /** An ok makes nothing SENT: that does the message itself, by delta or history. */
  protected async show(outgoing: Outgoing, answer: Promise<Result>): Promise<Result> {
    const shown = this.conversation.outgoing;
    shown.set(outgoing.clientSideId, outgoing);
    const result = await answer;
    if (!result.ok && result.error !== 'stopped' && shown.has(outgoing.clientSideId)) {
      shown.set(outgoing.clientSideId, { ...outgoing, sendStatus: 'FAILED', error: result.error });
    }
    return result;
  }

  async #upload(part: UploadedPart, isMessage: boolean): Promise<Upload> {
    const { filename, bytes } = part;
    const clientSideId = newId();
    const failed = (error: string): Upload => ({ clientSideId, file: undefined, error });
    if (this.session.isAndroid && !/^[\p{L}\d()_.+\- ]+$/u.test(filename)) return failed('incorrect-file-name');
    if (bytes.length === 0) return failed('file_is_empty');
    if (isMessage) this.openChat();
    const parameters = { 'chat-mode': 'online', 'client-side-id': clientSideId };
    const call = { method: 'POST' as const, path: '/l/v/m/upload', parameters, upload: part };
    const outgoing: Outgoing = { clientSideId, kind: 'file_visitor', text: filename, sendStatus: 'SENDING' };
    const answer = this.enqueue({ call, handled: 'all' });
    const result = await (isMessage ? this.show(outgoing, answer) : answer);
    return result.ok ? { clientSideId, file: this.decoded(uploaded, result.body)?.data, error: undefined } : failed(result.error);
  }

  /** What cannot be decoded ends the app here too. */
  protected decoded<T>(decode: Decoder<T>, body: JsonObject): T | undefined {
    try {
      return decode(body, 'answer');
    } catch (error) {
      this.session.end(error);
      return undefined;
    }
  }

  protected flag(value: boolean): string {
    return this.session.wire.flag(value);
  }
}
