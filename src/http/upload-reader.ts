/**
 * Uploads, multipart/form-data: a file and a few texts. Published SDKs may name their sender behind the file, and those name
 * him in the query or before it who can: then he is known before the file is read, and a wrong one is refused without reading it.
 * The file goes to this node's disk first. Bounded in number (upload-slots.ts), size, slowness and time; whatever happens
 * the file is removed.
 */
import { createWriteStream } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { finished } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy';
import { cutText } from '../domain/text.ts';
import { storableText } from '../protocol/storable.ts';
import { ChatError } from '../domain/error.ts';
import type { LabelledCounter, Metrics } from '../ports/index.ts';
import { queryOf } from '../protocol/body.ts';
import { Parameters } from '../protocol/parameters.ts';
import { safeFilename } from '../protocol/filename.ts';
import type { ReceivedFile } from '../sessions/uploads.ts';
import { refuseCompressed } from './body-reader.ts';
import { type Uploader, UploadSlots } from './upload-slots.ts';

/** Folders for uploads are named after this and the process. */
const PREFIX = 'tandem-upload-';
const FILE_PART = 'webim_upload_file';
/** Slower than the least rate for so long, and it is cut. */
const SLOW_SECONDS = 30;
const LOOK_EVERY_MS = 1_000;
/** The file must begin within. */
const HEAD_WITHIN_MS = 15_000;
/** The slowest network that is waited for. */
const BYTES_PER_SECOND = 17 * 1_024;
const LONGEST_MS = 600_000;
const SHORTEST_MS = 60_000;
const LIMITS = { fields: 30, fieldSize: 8_192, files: 1, parts: 40, headerPairs: 20 };

export interface Upload {
  readonly parameters: Parameters;
  readonly file: ReceivedFile;
}

export interface UploadSender {
  /** What it counts as until its file begins. */
  readonly first: Uploader;
  /** By what came before the file, query and parts; asked once. Throws ChatError: the file is not read. */
  readonly identify: (parameters: Parameters) => Promise<Uploader>;
}

interface Came {
  /** A part was left out: what it would have said is not known. */
  isCut?: true;
  file?: { readonly filename: string; readonly contentType: string; readonly written: Promise<void> };
  /** Begins when it is known whose it is. */
  writing?: Promise<void>;
}

export class UploadReader {
  readonly #maxBytes: number;
  readonly #minBytesPerSecond: number;
  readonly #slots: UploadSlots;
  readonly #refused: LabelledCounter;

  constructor(options: { readonly maxBytes: number; readonly minBytesPerSecond: number; readonly metrics: Metrics }) {
    this.#maxBytes = options.maxBytes;
    this.#minBytesPerSecond = options.minBytesPerSecond;
    this.#slots = new UploadSlots(options.metrics);
    this.#refused = options.metrics.labelled(
      'uploads_refused_total',
      'Uploads that were not read to their end: too-large, slow, late (their file did not begin, or they took too long)',
      'why',
    );
    sweepFolders().catch(() => undefined); // what a killed node has left is in nobody's way
  }

  /** Reads it, hands it to `use`, and removes it. Throws ChatError. */
  async with<T>(request: IncomingMessage, sender: UploadSender, use: (upload: Upload) => Promise<T>): Promise<T> {
    refuseCompressed(request);
    if (Number(request.headers['content-length'] ?? 0) > this.#maxBytes + LIMITS.fields * LIMITS.fieldSize) throw this.#tooLarge();
    const slot = { leave: this.#slots.enter(sender.first) };
    const reading = new AbortController();
    const stopWatching = this.#watch(request, reading);
    let folder: string | undefined;
    try {
      folder = await mkdtemp(path.join(tmpdir(), `${PREFIX}${process.pid}-`));
      const identify = async (parameters: Parameters): Promise<void> => {
        const next = await sender.identify(parameters);
        reading.signal.throwIfAborted(); // it has left: it takes no place any more
        slot.leave(); // not both at once: it may be the last place of its address
        slot.leave = this.#slots.enter(next);
      };
      const upload = await this.#read(request, path.join(folder, 'content'), identify, reading);
      stopWatching();
      return await use(upload);
    } finally {
      stopWatching();
      slot.leave();
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    }
  }

  /** Ends, at the latest, when `reading` is aborted. */
  async #read(
    request: IncomingMessage,
    target: string,
    identify: (parameters: Parameters) => Promise<void>,
    reading: AbortController,
  ): Promise<Upload> {
    const fields: Record<string, string> = {};
    const query = queryOf(request.url ?? '');
    const came: Came = {};
    const { signal } = reading;
    const parser = parserOf(request, this.#maxBytes);
    const late = setTimeout(() => this.#cut(request, reading, 'late'), HEAD_WITHIN_MS);
    try {
      await new Promise<void>((resolve, reject) => {
        signal.throwIfAborted();
        signal.addEventListener('abort', () => reject(new Error('the request was cut', { cause: signal.reason })));
        parser.on('field', (name, value, nameIsCut, valueIsCut) => {
          if (nameIsCut || valueIsCut || (fields[name] ?? value) !== value) came.isCut = true;
          fields[name] = value;
        });
        parser.on('filesLimit', () =>
          reject(new ChatError('invalid', 'wrong-argument-value', 'one file at a time', { argumentName: FILE_PART })),
        );
        for (const limit of ['fieldsLimit', 'partsLimit'] as const) parser.on(limit, () => (came.isCut = true));
        parser.on('file', (name: string, stream: BusboyFileStream, filename: string, _encoding: string, contentType: string) => {
          if (name !== FILE_PART) {
            stream.resume();
            return;
          }
          clearTimeout(late);
          stream.on('limit', () => reject(this.#tooLarge()));
          stream.on('error', reject); // it may be torn before anybody reads it
          // Nothing of it is read until it is known whose it is.
          const written = identify(new Parameters({ ...query, ...fields })).then(
            () => (came.writing = pipeline(stream, createWriteStream(target), { signal })),
          );
          written.catch(reject);
          came.file = { filename: safeFilename(filename), contentType: cutText(storableText(contentType), 200), written };
        });
        parser.once('finish', resolve).on('error', reject);
        request.pipe(parser);
      });
      await came.file?.written;
    } catch (error) {
      request.unpipe(parser);
      reading.abort(error); // who it is may still be looked up: no place is taken after this, and nothing is written
      await came.writing?.catch(() => undefined);
      if (error instanceof ChatError) throw error;
      throw new ChatError('invalid', 'wrong-argument-value', 'the upload cannot be read', { argumentName: 'body', cause: error });
    } finally {
      clearTimeout(late);
    }
    if (came.isCut === true)
      throw new ChatError('invalid', 'wrong-argument-value', 'too many parts, too long ones, or one with two values', {
        argumentName: 'body',
      });
    const { file } = came;
    if (file === undefined) throw new ChatError('invalid', 'argument-missing', `${FILE_PART} is missing`, { argumentName: FILE_PART });
    const { size } = await stat(target);
    const { filename, contentType } = file;
    return { parameters: new Parameters({ ...query, ...fields }), file: { path: target, filename, contentType, size } };
  }

  /**
   * Aborts `reading` when the client goes, or went before this was called, and cuts what trickles, and what takes longer than the
   * largest upload may over the slowest network.
   */
  #watch(request: IncomingMessage, reading: AbortController): () => void {
    const { socket } = request;
    const stopListening = finished(request, { writable: false }, () => {
      if (!request.readableEnded) reading.abort();
    });
    const read: number[] = [];
    const timer = setInterval(() => {
      read.push(socket.bytesRead);
      if (read.length <= SLOW_SECONDS) return;
      const before = read.shift() ?? 0;
      if (socket.bytesRead - before < SLOW_SECONDS * this.#minBytesPerSecond) this.#cut(request, reading, 'slow');
    }, LOOK_EVERY_MS);
    const longestMs = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, (this.#maxBytes / BYTES_PER_SECOND) * 1_000));
    const late = setTimeout(() => this.#cut(request, reading, 'late'), longestMs);
    return () => {
      stopListening();
      clearInterval(timer);
      clearTimeout(late);
    };
  }

  /** The reading ends by itself: of a socket that is closed already nothing would be heard. */
  #cut(request: IncomingMessage, reading: AbortController, why: 'slow' | 'late'): void {
    if (reading.signal.aborted) return;
    this.#refused.inc(why);
    reading.abort();
    request.socket.destroy();
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
