/** Images: their size as they are looked at, and a small picture for lists, turned upright and without what a camera adds. */
import sharp from 'sharp';
import { ChatError } from '../domain/error.ts';
import type { InspectedImage } from '../ports/index.ts';
import type { PixelRoom } from './pixels.ts';

/** Decoded, a picture takes four bytes a pixel. A phone's has 50 million at most. */
const MAX_PIXELS = 50_000_000;
/** Of all that are decoded at this moment: 400 MB. */
export const MAX_PIXELS_AT_ONCE = 100_000_000;
const MAX_SECONDS = 10;
const THUMBNAIL_PIXELS = 400;

sharp.cache(false);
sharp.concurrency(1); // a thread for a picture is enough; the others are for everybody

/** Throws ChatError for what is no picture, or too large to be one. */
export async function inspectImage(path: string, contentType: string, room: Pick<PixelRoom, 'with'>): Promise<InspectedImage> {
  const options = { limitInputPixels: MAX_PIXELS, failOn: 'error', sequentialRead: true } as const;
  try {
    const { width, height, orientation = 1 } = await sharp(path, { ...options, limitInputPixels: false }).metadata();
    if (width * height > MAX_PIXELS) throw new ChatError('unsupported', 'malicious-file-detected', `at most ${MAX_PIXELS} pixels`);
    const small = sharp(path, options)
      .rotate()
      .resize(THUMBNAIL_PIXELS, THUMBNAIL_PIXELS, { fit: 'inside', withoutEnlargement: true })
      .timeout({ seconds: MAX_SECONDS });
    const isTransparent = contentType !== 'image/jpeg';
    const thumbnail = await room.with(width * height, () => (isTransparent ? small.png() : small.jpeg({ quality: 80 })).toBuffer());
    const isOnItsSide = orientation >= 5;
    return {
      width: isOnItsSide ? height : width,
      height: isOnItsSide ? width : height,
      thumbnail: { contentType: isTransparent ? 'image/png' : 'image/jpeg', content: thumbnail },
    };
  } catch (error) {
    if (error instanceof ChatError) throw error;
    throw new ChatError('unsupported', 'not-matching-magic-numbers', 'the picture cannot be read', { cause: error });
  }
}
