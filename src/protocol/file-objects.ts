/** A file as SDKs and operators see it (docs/protocol/visitor.md): in the answer to its upload, and in its message. */
import type { StoredFile } from '../domain/file.ts';

export function fileObject(file: StoredFile): object {
  return {
    guid: file.guid,
    filename: file.filename,
    content_type: file.contentType,
    client_content_type: file.clientContentType,
    size: file.size,
    visitor_id: file.visitorId,
    image: file.image === null ? null : { size: file.image },
  };
}

/** The message that several files come with; without `data` SDKs read its text. */
export function filesText(files: readonly StoredFile[]): string {
  return JSON.stringify(files.map(fileObject));
}

/** The same of a note among operators: its name is what is read and searched. */
export function fileNote(file: StoredFile): { readonly text: string; readonly data: object } {
  return { ...fileWords(file), text: file.filename };
}

/** Text and data of the message that a file comes with. */
export function fileWords(file: StoredFile): { readonly text: string; readonly data: object } {
  const desc = fileObject(file);
  return { text: JSON.stringify(desc), data: { file: { state: 'ready', progress: 100, desc, error: null, error_message: null } } };
}
