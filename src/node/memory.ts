/**
 * What a node remembers over its own end: the newest commit that it knew, in a small file. When all nodes were stopped while the
 * database was set back, nothing else is left that could tell. Written now and then and at the end, so it may name a commit that is a
 * little older than the newest: never one that was not there. A node that cannot write it runs all the same, and says so once.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { KnownCommit, Log } from '../ports/index.ts';
import type { NewestKnown } from '../sync/newest-known.ts';

const WRITE_EVERY_MS = 10_000;

export interface MemoryOptions {
  readonly folder: string;
  readonly node: string;
  /** Of the installation: what is remembered of another one says nothing. */
  readonly installation: string;
  readonly known: NewestKnown;
  readonly log: Log;
}

export class Memory {
  readonly #options: MemoryOptions;
  readonly #file: string;
  #written: KnownCommit | undefined;
  #timer: NodeJS.Timeout | undefined;
  #complained = false;

  constructor(options: MemoryOptions) {
    this.#options = options;
    this.#file = path.join(options.folder, `known-${options.node}.json`);
  }

  /** Tells `known` what was remembered. */
  recall(): void {
    const { installation, known, log } = this.#options;
    try {
      const remembered = JSON.parse(readFileSync(this.#file, 'utf8')) as Record<string, unknown>;
      const { revision, batchId } = remembered;
      if (remembered['installation'] !== installation || !Number.isSafeInteger(revision)) return;
      known.saw(revision as number, typeof batchId === 'string' ? batchId : undefined);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') log.warn('memory-not-read', { file: this.#file, error });
    }
  }

  start(): void {
    this.#write();
    this.#timer = setInterval(() => this.#write(), WRITE_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#write();
  }

  #write(): void {
    const { folder, installation, known, log } = this.#options;
    const { commit } = known;
    if (commit === this.#written) return;
    try {
      mkdirSync(folder, { recursive: true, mode: 0o750 });
      writeFileSync(`${this.#file}.new`, JSON.stringify({ installation, ...commit }), { mode: 0o640 });
      renameSync(`${this.#file}.new`, this.#file);
      this.#written = commit;
    } catch (error) {
      if (!this.#complained) log.warn('memory-not-written', { file: this.#file, error });
      this.#complained = true;
    }
  }
}
