/** Files by their content: what is unusual comes through, what would run or is something else does not. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { FILE_TYPES } from '../../src/files/types.ts';
import { createInspector } from '../../src/files/inspector.ts';
import { createMetrics } from '../../src/system/metrics.ts';
import { safeFilename } from '../../src/protocol/filename.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'tandem-content-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const inspector = createInspector(Object.keys(FILE_TYPES), createMetrics());
let number = 0;
const inspect = (filename: string, content: Buffer) => {
  const file = path.join(folder, String(number++));
  writeFileSync(file, content);
  return inspector.inspect(file, filename);
};

const ascii = (text: string): Buffer => Buffer.from(text, 'latin1');
const utf16 = (text: string): Buffer => Buffer.from(`\ufeff${text}`, 'utf16le');
const ftyp = (brand: string): Buffer =>
  Buffer.concat([Buffer.from([0, 0, 0, 24]), ascii(`ftyp${brand}`), Buffer.alloc(4), ascii('isommp42')]);
const ogg = (codec: string): Buffer => Buffer.concat([ascii('OggS'), Buffer.alloc(24), ascii(codec), Buffer.alloc(64)]);
const cfb = Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.alloc(504)]);
const exe = Buffer.concat([ascii('MZ'), Buffer.alloc(200)]);
const elf = Buffer.concat([Buffer.from('7f454c46020101', 'hex'), Buffer.alloc(200)]);
const png = Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), Buffer.alloc(50)]);

describe('a file by its content', () => {
  const KINDLY: readonly (readonly [name: string, content: Buffer, type?: string])[] = [
    ['car.txt', ascii('BMW 320d, 2014, 180.000 km')],
    ['rebus.csv', ascii('MZ;12;Mazda\r\nBM;7;Bitmap')],
    ['riff.txt', ascii('RIFFs and chords for a start')],
    ['gif.log', ascii('GIF89a is how those begin')],
    ['id3.txt', ascii('ID3 is a tag of music files')],
    ['pdf.txt', ascii('%PDF-1.4 is how those begin')],
    ['latin.txt', Buffer.from([0x47, 0x72, 0xfc, 0xdf, 0x65])],
    ['windows.txt', utf16('Привет, \r\n世界'), 'text/plain; charset=utf-16'],
    ['windows.csv', utf16('a;b'), 'text/csv; charset=utf-16'],
    ['empty lines.txt', ascii('\r\n\r\n\f')],
    ['scan.pdf', Buffer.concat([ascii('\r\n\r\n'), ascii('%PDF-1.4\n')])],
    ['mail.pdf', Buffer.concat([Buffer.alloc(900, 0x20), ascii('%PDF-1.7\n')])],
    ...['docx', 'xlsx', 'pptx'].map(extension => [`secret.${extension}`, cfb] as const),
    ...['M4A ', 'mp42', 'isom', '3gp4', 'qt  ', 'M4B '].flatMap(brand =>
      [`a.m4a`, `a.mp4`, `a.mov`].map(name => [name, ftyp(brand)] as const),
    ),
    ...['heic', 'mif1', 'msf1', 'heix'].flatMap(brand => ['a.heic', 'a.heif'].map(name => [name, ftyp(brand)] as const)),
    ...['OpusHead', '\x01vorbis', 'Speex   ', '\x7fFLAC'].flatMap(codec =>
      ['a.ogg', 'a.oga', 'a.opus'].map(name => [name, ogg(codec)] as const),
    ),
  ];
  for (const [name, content, type] of KINDLY)
    test(`${name}, ${JSON.stringify(content.toString('latin1', 0, 16))}: comes through`, async () => {
      const { contentType } = await inspect(name, content);
      if (type !== undefined) assert.equal(contentType, type);
    });

  const REFUSED: readonly (readonly [name: string, content: Buffer])[] = [
    ...['a.txt', 'a.csv', 'a.log', 'a.pdf', 'a.docx', 'a.m4a', 'a.heif', 'a.opus', 'a.jfif'].flatMap(name => [
      [name, exe] as const,
      [name, elf] as const,
    ]),
    ['a.pdf', Buffer.concat([exe.subarray(0, 100), ascii('%PDF-1.4')])],
    ['a.pdf', Buffer.concat([Buffer.alloc(1_100, 0x20), ascii('%PDF-1.4')])],
    ['a.pdf', ascii('no such thing')],
    ['a.txt', png],
    ['a.txt', Buffer.concat([Buffer.from([0xff, 0xfe]), exe])],
    ['a.jfif', png],
    ['a.docx', ascii('plain words')],
    ['a.exe', exe],
    ['a.svg', ascii('<svg/>')],
  ];
  for (const [name, content] of REFUSED)
    test(`${name}, ${JSON.stringify(content.toString('latin1', 0, 16))}: is refused`, async () => {
      await assert.rejects(inspect(name, content), { code: 'unsupported' });
    });

  test('any text is a text, in UTF-8 and in UTF-16', async () => {
    const words = fc.string({ unit: 'grapheme', minLength: 1 }).map(text => text.replace(/\p{Cc}/gu, ' '));
    await fc.assert(
      fc.asyncProperty(words, async text => {
        assert.equal((await inspect('a.txt', Buffer.from(text))).contentType, 'text/plain; charset=utf-8');
        assert.equal((await inspect('a.txt', utf16(text))).contentType, 'text/plain; charset=utf-16');
      }),
    );
  });

  test('names are as browsers send them', () => {
    assert.equal(safeFilename('he said %22hello%22.txt'), 'he said hello.txt');
    assert.equal(safeFilename('two%0D%0Alines.txt'), 'twolines.txt');
    assert.equal(safeFilename('100%25 & 50%.txt'), '100%25 & 50%.txt');
  });
});
