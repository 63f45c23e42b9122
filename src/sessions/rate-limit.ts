/** A rate with a burst (the generic cell rate algorithm): one number of state, no timers. */
export class RateLimit {
  readonly #intervalMs: number;
  readonly #burst: number;

  constructor(perSecond: number, burst: number) {
    this.#intervalMs = 1_000 / perSecond;
    this.#burst = burst;
  }

  /** `spentMs` is what an earlier call returned (0 at first). `waitMs` 0: at once. The caller keeps `spentMs` if it goes ahead. */
  next(spentMs: number, nowMs: number): { readonly waitMs: number; readonly spentMs: number } {
    const spent = Math.max(spentMs, nowMs) + this.#intervalMs;
    return { waitMs: Math.max(0, spent - nowMs - this.#burst * this.#intervalMs), spentMs: spent };
  }
}
