/**
 * Reads uploads (multipart/form-data with the part `webim_upload_file`) onto this node's disk, because their sender is
 * known only when the last part has come. Bounded in number, size and slowness; whatever happens the file is removed.
 */
import { createWriteStream } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy';
import { ChatError } from '../domain/error.ts';
import type { LabelledCounter, Metrics } from '../ports.ts';
import { Parameters } from '../protocol/parameters.ts';
import { safeFilename } from '../protocol/filename.ts';
import type { ReceivedFile } from '../sessions/uploads.ts';

/** Folders for uploads are named after this and the process. */
const PREFIX = 'tandem-upload-';
const FILE_PART = 'webim_upload_file';
const MAX_AT_ONCE = 100;
/** Slower than the least rate for so long, and it is cut. */
const SLOW_SECONDS = 30;
const LOOK_EVERY_MS = 1_000;
const LIMITS = { fields: 30, fieldSize: 65_536, files: 1, parts: 40, headerPairs: 20 };

export interface Upload {
  readonly parameters: Parameters;
  readonly file: ReceivedFile;
}

export class UploadReader {
  readonly #maxBytes: number;
  readonly #minBytesPerSecond: number;
  readonly #refused: LabelledCounter;
  #reading = 0;

  constructor(options: { readonly maxBytes: number; readonly minBytesPerSecond: number; readonly metrics: Metrics }) {
    this.#maxBytes = options.maxBytes;
    this.#minBytesPerSecond = options.minBytesPerSecond;
    this.#refused = options.metrics.labelled(
      'uploads_refused_total',
      'Uploads that were not read to their end: too-large, slow, busy',
      'why',
    );
    sweepFolders().catch(() => undefined); // what a killed node has left is in nobody's way
    options.metrics.gauge('uploads_reading', `Uploads that are being read (at most ${MAX_AT_ONCE})`, () => this.#reading);
  }

  /** Reads it, hands it to `use`, and removes it. Throws ChatError. */
  async with<T>(request: IncomingMessage, use: (upload: Upload) => Promise<T>): Promise<T> {
    if (this.#reading >= MAX_AT_ONCE) {
      this.#refused.inc('busy');
      throw new ChatError('unavailable', 'server-not-ready', 'too many uploads at once');
    }
    if (Number(request.headers['content-length'] ?? 0) > this.#maxBytes + LIMITS.fields * LIMITS.fieldSize) throw this.#tooLarge();
    this.#reading += 1;
    const folder = await mkdtemp(path.join(tmpdir(), `${PREFIX}${process.pid}-`));
    try {
      return await use(await this.#read(request, path.join(folder, 'content')));
    } finally {
      this.#reading -= 1;
      await rm(folder, { recursive: true, force: true });
    }
  }

  async #read(request: IncomingMessage, target: string): Promise<Upload> {
    const fields: Record<string, string> = {};
    const came: {
      file?: { readonly filename: string; readonly contentType: string; readonly written: Promise<void> };
      isTooLarge?: true;
      /** A part was left out: what it would have said is not known. */
      isCut?: true;
    } = {};
    const parser = parserOf(request, this.#maxBytes);
    parser.on('field', (name, value, nameIsCut, valueIsCut) => {
      if (nameIsCut || valueIsCut || (fields[name] ?? value) !== value) came.isCut = true;
      fields[name] = value;
    });
    for (const limit of ['fieldsLimit', 'partsLimit'] as const) parser.on(limit, () => (came.isCut = true));
    parser.on('file', (name: string, stream: BusboyFileStream, filename: string, _encoding: string, contentType: string) => {
      if (name !== FILE_PART || came.file !== undefined) {
        stream.resume();
        return;
      }
      stream.on('limit', () => (came.isTooLarge = true));
      const written = pipeline(stream as Readable, createWriteStream(target));
      written.catch(() => undefined); // awaited below, when the request has ended
      came.file = { filename: safeFilename(filename), contentType: contentType.slice(0, 200), written };
    });
    const stopWatching = this.#cutWhenSlow(request);
    try {
      await pipeline(request, parser);
      await came.file?.written;
    } catch (error) {
      throw new ChatError('invalid', 'wrong-argument-value', 'the upload cannot be read', { argumentName: 'body', cause: error });
    } finally {
      stopWatching();
    }
    if (came.isTooLarge) throw this.#tooLarge();
    if (came.isCut)
      throw new ChatError('invalid', 'wrong-argument-value', 'too many parts, too long ones, or one with two values', {
        argumentName: 'body',
      });
    const { file } = came;
    if (file === undefined) throw new ChatError('invalid', 'argument-missing', `${FILE_PART} is missing`, { argumentName: FILE_PART });
    const { size } = await stat(target);
    return { parameters: new Parameters(fields), file: { path: target, filename: file.filename, contentType: file.contentType, size } };
  }

  #cutWhenSlow(request: IncomingMessage): () => void {
    const { socket } = request;
    const read: number[] = [];
    const timer = setInterval(() => {
      read.push(socket.bytesRead);
      if (read.length <= SLOW_SECONDS) return;
      const before = read.shift() ?? 0;
      if (socket.bytesRead - before >= SLOW_SECONDS * this.#minBytesPerSecond) return;
      this.#refused.inc('slow');
      socket.destroy();
    }, LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }

  #tooLarge(): ChatError {
    this.#refused.inc('too-large');
    return new ChatError('too-large', 'too-large', `files of at most ${this.#maxBytes} bytes`);
  }
}

/** Removes the folders of processes that are no more: a node that was killed could not. */
async function sweepFolders(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) await rm(path.join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function parserOf(request: IncomingMessage, maxBytes: number): BusboyInstance {
  const contentType = request.headers['content-type'] ?? '';
  try {
    return new Busboy({ headers: { ...request.headers, 'content-type': contentType }, limits: { ...LIMITS, fileSize: maxBytes } });
  } catch (error) {
    throw new ChatError('invalid', 'wrong-argument-value', 'multipart/form-data is expected', { argumentName: 'body', cause: error });
  }
}
