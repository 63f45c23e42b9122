/** Files that visitors and operators send. */
import type { StoredFile } from '../domain/file.ts';
import type { MessageKind, Sender } from '../domain/message.ts';

export interface FoundFile extends StoredFile {
  readonly chatId: number;
  /** Of its message: says whether visitors may have it. */
  readonly kind: MessageKind;
}

export interface Thumbnail {
  readonly contentType: string;
  readonly content: Buffer;
}

export interface FileStore {
  /** Takes the content from a file on this node's disk. A guid that is known stays what it was. */
  save(file: StoredFile, path: string, thumbnail: Thumbnail | undefined): Promise<void>;
  /** undefined when its message is not there, or was deleted. */
  find(guid: string): Promise<FoundFile | undefined>;
  /** Those of these files that this sender has uploaded and not sent yet, or sent under this client id; in the order of `guids`. */
  findUnsent(sender: Sender, clientSideId: string, guids: readonly string[]): Promise<readonly StoredFile[]>;
  /** They are about to be sent together in the message of this client id. */
  attach(sender: Sender, clientSideId: string, guids: readonly string[]): Promise<void>;
  read(guid: string): AsyncIterable<Buffer>;
  readThumbnail(guid: string): Promise<Thumbnail | undefined>;
  /** What no message came of. False: there is no such file, or it was sent. */
  removeUnsent(guid: string): Promise<boolean>;
}

export interface InspectedImage {
  readonly width: number;
  readonly height: number;
  readonly thumbnail: Thumbnail;
}

export interface InspectedFile {
  readonly contentType: string;
  readonly image: InspectedImage | undefined;
}

export interface FileInspector {
  /** Throws ChatError `unsupported` for what is not allowed or not what it says. */
  inspect(path: string, filename: string): Promise<InspectedFile>;
}
