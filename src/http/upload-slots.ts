/**
 * How many uploads are read at once, by who sends them: operators have places of their own, visitors so many each, and those
 * whose sender is not known when the file begins a few only. An upload begins as a `head`: its parts before the file.
 * Used by UploadReader; it knows no request.
 */
import { ChatError } from '../domain/error.ts';
import type { Counter, Metrics } from '../ports/index.ts';

/** `address` as `addressKey`. */
export type Uploader =
  | { readonly kind: 'operator'; readonly id: string }
  | { readonly kind: 'visitor'; readonly id: string; readonly address: string }
  | { readonly kind: 'unknown' | 'head'; readonly address: string };

interface Bounds {
  readonly node: number;
  readonly each?: number;
  readonly address?: number;
}

export const UPLOADS_AT_ONCE: Readonly<Record<Uploader['kind'], Bounds>> = {
  operator: { node: 30, each: 10 },
  visitor: { node: 50, each: 3, address: 20 },
  unknown: { node: 20, address: 3 },
  head: { node: 500, address: 20 },
};

export class UploadSlots {
  readonly #counts = new Map<string, number>();
  readonly #busy: Counter;

  constructor(metrics: Metrics) {
    this.#busy = metrics.counter(
      'uploads_busy_total',
      'Uploads told to try later because their sender, their address or the node has too many',
    );
    const count = (...kinds: Uploader['kind'][]) => kinds.reduce((sum, kind) => sum + (this.#counts.get(kind) ?? 0), 0);
    metrics.gauge('uploads_reading', 'Uploads that are being read (at most 100, and 500 that have not come to their file)', () =>
      count('operator', 'visitor', 'unknown', 'head'),
    );
    metrics.gauge('uploads_unknown', 'Of these: whose sender is not known (at most 20, 3 of an address)', () => count('unknown'));
    metrics.gauge('uploads_of_operators', 'Of these: of operators (at most 30, which nobody else can take)', () => count('operator'));
  }

  /** Returns what to call afterwards. Throws ChatError `unavailable`. */
  enter(uploader: Uploader): () => void {
    const bounds = boundsOf(uploader);
    if (bounds.some(({ key, max }) => (this.#counts.get(key) ?? 0) >= max)) {
      this.#busy.inc();
      throw new ChatError('unavailable', 'server-not-ready', 'too many uploads at once');
    }
    for (const { key } of bounds) this.#add(key, 1);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      for (const { key } of bounds) this.#add(key, -1);
    };
  }

  #add(key: string, more: number): void {
    const count = (this.#counts.get(key) ?? 0) + more;
    if (count === 0) this.#counts.delete(key);
    else this.#counts.set(key, count);
  }
}

function boundsOf(uploader: Uploader): { readonly key: string; readonly max: number }[] {
  const { kind } = uploader;
  const { node, each, address } = UPLOADS_AT_ONCE[kind];
  return [
    { key: kind, max: node },
    ...(each === undefined || !('id' in uploader) ? [] : [{ key: `${kind} ${uploader.id}`, max: each }]),
    ...(address === undefined || !('address' in uploader) ? [] : [{ key: `${kind} of ${uploader.address}`, max: address }]),
  ];
}
