/**
 * The ends that were heard last, of log-ins or pages. Whoever looks something up asks afterwards whether it has ended meanwhile: what
 * was read just before an end must not be believed. Called by operator-logins.ts and visitor-pages.ts. It never says that nothing
 * has ended when it does not know.
 */
const KEPT = 1_000;

export class LatestEnds<E> {
  readonly #ends: E[] = [];
  #count = 0;

  /** To be given to `hasEndedSince`. */
  get count(): number {
    return this.#count;
  }

  heard(end: E): void {
    this.#ends[this.#count % KEPT] = end;
    this.#count += 1;
  }

  /** Anything may have ended (memory was rebuilt). */
  heardAll(): void {
    this.#ends.length = 0;
    this.#count += KEPT + 1;
  }

  /** True too when more were heard than are kept. */
  hasEndedSince(count: number, concerns: (end: E) => boolean): boolean {
    if (this.#count - count > KEPT) return true;
    for (let i = count; i < this.#count; i++) {
      const end = this.#ends[i % KEPT];
      if (end === undefined || concerns(end)) return true;
    }
    return false;
  }
}
