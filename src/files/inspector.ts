/**
 * Looks into a file before it is stored: is it allowed, is it what its name says, is it an image that can be shown.
 * Only the first bytes of most files are read; images are decoded once, bounded in pixels and time.
 */
import { open } from 'node:fs/promises';
import { fileTypeFromFile } from 'file-type';
import { ChatError } from '../domain/error.ts';
import type { FileInspector, InspectedFile, Metrics } from '../ports/index.ts';
import { charsetOf } from './text.ts';
import { FILE_TYPES } from './types.ts';
import { inspectImage, MAX_PIXELS_AT_ONCE } from './images.ts';
import { PixelRoom } from './pixels.ts';

const HEAD_BYTES = 4_096;
/** Decoders for these are at hand. */
const SHOWN_AS_IMAGE = ['image/jpeg', 'image/png', 'image/gif', 'image/webp'];

/** `allowed`: extensions in lower case. */
export function createInspector(allowed: readonly string[], metrics: Metrics): FileInspector {
  const room = new PixelRoom(MAX_PIXELS_AT_ONCE);
  metrics.gauge('image_pixels_decoding', 'Pixels of the pictures that are decoded now (at most 100 million)', () => room.used);
  metrics.gauge('images_waiting', 'Pictures that wait to be decoded (at most 50)', () => room.waiting);
  return {
    async inspect(path, filename): Promise<InspectedFile> {
      const extension = /\.([^.]+)$/.exec(filename)?.[1]?.toLowerCase() ?? '';
      const type = allowed.includes(extension) ? FILE_TYPES[extension] : undefined;
      if (type === undefined) throw new ChatError('unsupported', 'not-allowed-file-type', `files of type '${extension}' are not allowed`);
      const head = await readHead(path);
      if (type.content === 'text') {
        const charset = charsetOf(head);
        if (charset === undefined) throw notWhatItSays(extension);
        return { contentType: type.contentType.replace('utf-8', charset), image: undefined };
      }
      const found = (await fileTypeFromFile(path))?.ext;
      if (!type.content.includes(found ?? '') && !(extension === 'pdf' && isLatePdf(head, found))) throw notWhatItSays(extension);
      const { contentType } = type;
      if (!SHOWN_AS_IMAGE.includes(contentType)) return { contentType, image: undefined };
      return { contentType, image: await inspectImage(path, contentType, room) };
    },
  };
}

async function readHead(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Readers of PDF look for its beginning in so many bytes: mail gateways and scanners put some in front. */
const PDF_WITHIN = 1_024;

function isLatePdf(head: Buffer, found: string | undefined): boolean {
  return found === undefined && head.subarray(0, PDF_WITHIN + 5).includes('%PDF-');
}

function notWhatItSays(extension: string): ChatError {
  return new ChatError('unsupported', 'not-matching-magic-numbers', `the content is not that of a file of type '${extension}'`);
}
