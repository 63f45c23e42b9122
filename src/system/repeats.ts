/**
 * What goes wrong again and again is said once, and then once a minute how often. A line belongs to a kind: the one that
 * its caller names, else that of its error. Lines without either are always said, and so are those with an `errorId`,
 * which a client was told. Called by log.ts; it writes nothing itself.
 */
import { isExpected, type LogFields } from '../ports/index.ts';

export const SAY_AGAIN_MS = 60_000;
/** More kinds than there can be of ours: texts of errors may hold anything, and the map must stay small. */
const MAX_KINDS = 500;

export interface Repeat {
  /** Lines that were left out since the last that was written. */
  readonly again: number;
  readonly firstAt: string;
  readonly lastAt: string;
}

interface Kind {
  again: number;
  firstAt: string;
  lastAt: string;
  say: (repeat: Repeat) => void;
  timer: NodeJS.Timeout;
}

export class Repeats {
  readonly #kinds = new Map<string, Kind>();
  readonly #sayAgainMs: number;

  constructor(sayAgainMs = SAY_AGAIN_MS) {
    this.#sayAgainMs = sayAgainMs;
  }

  /** Is it to be written now? If not, `say` is called later with how often it was left out, unless a newer one of its kind is. */
  isNews(kind: string, say: (repeat: Repeat) => void): boolean {
    const known = this.#kinds.get(kind);
    if (known === undefined) {
      if (this.#kinds.size >= MAX_KINDS) return true;
      this.#kinds.set(kind, { again: 0, firstAt: '', lastAt: '', say, timer: this.#tellLater(kind) });
      return true;
    }
    const now = new Date().toISOString();
    if (known.again === 0) known.firstAt = now;
    Object.assign(known, { again: known.again + 1, lastAt: now, say });
    return false;
  }

  /** Says now what was left out: the process ends. */
  tellAll(): void {
    for (const { again, firstAt, lastAt, say, timer } of this.#kinds.values()) {
      clearTimeout(timer);
      if (again > 0) say({ again, firstAt, lastAt });
    }
    this.#kinds.clear();
  }

  #tellLater(kind: string): NodeJS.Timeout {
    return setTimeout(() => this.#tell(kind), this.#sayAgainMs).unref();
  }

  #tell(kind: string): void {
    const known = this.#kinds.get(kind);
    if (known === undefined) return;
    const { again, firstAt, lastAt, say } = known;
    if (again === 0) {
      this.#kinds.delete(kind); // a minute without one: the next is news
      return;
    }
    Object.assign(known, { again: 0, timer: this.#tellLater(kind) });
    say({ again, firstAt, lastAt });
  }
}

/** undefined: said each time. Two errors are of one kind when they are the same but for their numbers. */
export function kindOf(event: string, fields: LogFields): string | undefined {
  const { error, errorId } = fields;
  if (!(error instanceof Error) || errorId !== undefined) return undefined;
  // Why a service cannot be reached changes its words while it is away.
  const what = isExpected(error) ? `${error.name} ${expectedWord(error)}` : (error.stack ?? error.message);
  return `${event} ${what.replaceAll(/\d+/g, '0')}`;
}

function expectedWord(error: Error): string {
  if ('kind' in error) return String(error.kind);
  return 'code' in error ? String(error.code) : '';
}
