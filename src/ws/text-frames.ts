/**
 * Text frames of a server as bytes (RFC 6455, 5.2: final, unmasked, not compressed). ws writes each frame in two parts, and
 * the stream keeps books of every part: ~5 µs a frame. All frames of a tick in one buffer are one write.
 */

const FINAL_TEXT = 0x81;
const TWO_BYTES = 126;
const EIGHT_BYTES = 127;

export function encodeTextFrames(texts: readonly string[]): Buffer {
  let size = 0;
  const lengths = texts.map(text => {
    const length = Buffer.byteLength(text);
    size += headerSize(length) + length;
    return length;
  });
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  texts.forEach((text, i) => {
    const length = lengths[i] ?? 0;
    at = writeHeader(bytes, at, length);
    at += bytes.write(text, at, length);
  });
  return bytes;
}

function headerSize(length: number): number {
  return length < TWO_BYTES ? 2 : length < 65_536 ? 4 : 10;
}

function writeHeader(bytes: Buffer, start: number, length: number): number {
  const at = bytes.writeUInt8(FINAL_TEXT, start);
  if (length < TWO_BYTES) return bytes.writeUInt8(length, at);
  if (length < 65_536) return bytes.writeUInt16BE(length, bytes.writeUInt8(TWO_BYTES, at));
  return bytes.writeBigUInt64BE(BigInt(length), bytes.writeUInt8(EIGHT_BYTES, at));
}
