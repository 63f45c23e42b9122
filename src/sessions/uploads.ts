/**
 * A file on its way into a chat: looked at, stored, then said as a message. Its guid follows from who sends it under which
 * client id, so that an upload which is sent again is the same file and the same message.
 */
import { createHmac } from 'node:crypto';
import type { CommitLoop } from '../commit/commit-loop.ts';
import { sendOperatorMessage } from '../commands/send-operator-message.ts';
import { sendVisitorMessage, type Speaking } from '../commands/send-visitor-message.ts';
import { ChatError } from '../domain/error.ts';
import type { StoredFile } from '../domain/file.ts';
import { operatorSender, type Sender, visitorSender } from '../domain/message.ts';
import type { Page } from '../domain/visitor.ts';
import type { FileInspector, FileStore } from '../ports/index.ts';
import { fileNote, fileObject, filesText, fileWords } from '../protocol/file-objects.ts';
import type { OperatorTextKind } from './message-parameters.ts';
import { newNonce } from './ids.ts';

/** As it came, in a file of this node's own. */
export interface ReceivedFile {
  readonly path: string;
  /** Safe to be stored and shown. */
  readonly filename: string;
  readonly contentType: string;
  readonly size: number;
}

export interface UploadsOptions {
  readonly files: FileStore;
  readonly inspector: FileInspector;
  readonly loop: CommitLoop;
  readonly secret: string;
  readonly defaultMaxChats: number;
  /** How what a visitor says finds its chat. */
  readonly speaking: (page: Page) => Promise<Speaking>;
  /** together: what visitors upload is only kept, see `sendTogether`. */
  readonly messages: 'each' | 'together';
}

export class Uploads {
  readonly #options: UploadsOptions;

  constructor(options: UploadsOptions) {
    this.#options = options;
  }

  /** The file object. Throws ChatError. */
  byVisitor(page: Page, clientSideId: string, received: ReceivedFile): Promise<object> {
    const { visitorId } = page;
    return this.#send({ visitorId, sender: visitorSender(visitorId), clientSideId, received }, file =>
      this.#options.messages === 'each' ? this.#sayByVisitor(page, clientSideId, fileWords(file)) : Promise.resolve(),
    );
  }

  /** What a visitor has uploaded before, in one message. Throws ChatError. */
  async sendTogether(page: Page, clientSideId: string, guids: readonly string[]): Promise<void> {
    const { files } = this.#options;
    const sender = visitorSender(page.visitorId);
    const found = await files.findUnsent(sender, clientSideId, guids);
    if (found.length === 0 || found.length < guids.length)
      throw new ChatError('not-found', 'file-not-found', 'a file is not there, or was sent');
    await files.attach(sender, clientSideId, guids);
    await this.#sayByVisitor(page, clientSideId, { text: filesText(found), data: null });
  }

  async #sayByVisitor(page: Page, clientSideId: string, words: { readonly text: string; readonly data: object | null }): Promise<unknown> {
    const said = { clientSideId, kind: 'file_visitor' as const, ...words, quotedId: undefined, nonce: newNonce() };
    return this.#options.loop.execute(sendVisitorMessage(said, await this.#options.speaking(page)));
  }

  /**
   * The file object. Throws ChatError. A note with a file is a `for_operator` like any other, so that no version of this
   * program has ever shown one to a visitor; its text is the file's name.
   */
  byOperator(
    target: { operatorId: number; chatId: number; visitorId: string },
    { clientSideId, kind }: { readonly clientSideId: string; readonly kind: OperatorTextKind },
    received: ReceivedFile,
  ): Promise<object> {
    const { operatorId, chatId, visitorId } = target;
    const { defaultMaxChats } = this.#options;
    return this.#send({ visitorId, sender: operatorSender(operatorId), clientSideId, received }, file =>
      this.#options.loop.execute(
        sendOperatorMessage({
          operatorId,
          chatId,
          clientSideId,
          ...(kind === 'for_operator' ? { kind, ...fileNote(file) } : { kind: 'file_operator', ...fileWords(file) }),
          defaultMaxChats,
          nonce: newNonce(),
        }),
      ),
    );
  }

  async #send(
    from: { visitorId: string; sender: Sender; clientSideId: string; received: ReceivedFile },
    say: (file: StoredFile) => Promise<unknown>,
  ): Promise<object> {
    const { files, inspector } = this.#options;
    const { visitorId, sender, clientSideId, received } = from;
    if (received.size === 0) throw new ChatError('invalid', 'file-size-too-small', 'the file is empty');
    const { contentType, image } = await inspector.inspect(received.path, received.filename);
    const file: StoredFile = {
      guid: this.#guidOf(sender, clientSideId),
      visitorId,
      sender,
      clientSideId,
      filename: received.filename,
      contentType,
      clientContentType: received.contentType,
      size: received.size,
      image: image === undefined ? null : { width: image.width, height: image.height },
    };
    await files.save(file, received.path, image?.thumbnail);
    try {
      await say(file);
    } catch (error) {
      // Only what is certain: an upload whose outcome is not known is sent again.
      if (error instanceof ChatError && error.code !== 'unavailable') await files.removeUnsent(file.guid);
      throw error;
    }
    return fileObject((await files.find(file.guid)) ?? file); // of a repeat: the first one
  }

  #guidOf(sender: Sender, clientSideId: string): string {
    return createHmac('sha256', this.#options.secret).update(`file ${sender} ${clientSideId}`).digest('hex').slice(0, 32);
  }
}
