/** Tells the visitor that somebody types: at most one signal a second, and one that it is over. */

const PAUSE_MS = 1_000;
const OVER_AFTER_MS = 4_000;

export class TypingTeller {
  readonly #tell: (typing: boolean) => void;
  #toldTyping = false;
  #toldAtMs = -Infinity;
  #over: ReturnType<typeof setTimeout> | undefined;

  constructor(tell: (typing: boolean) => void) {
    this.#tell = tell;
  }

  typed(): void {
    clearTimeout(this.#over);
    this.#over = setTimeout(() => this.#say(false), OVER_AFTER_MS);
    if (performance.now() - this.#toldAtMs >= PAUSE_MS) this.#say(true);
  }

  /** Sent, or thought better of. */
  stop(): void {
    clearTimeout(this.#over);
    if (!this.#toldTyping) return;
    const waitMs = this.#toldAtMs + PAUSE_MS - performance.now();
    if (waitMs <= 0) this.#say(false);
    else this.#over = setTimeout(() => this.#say(false), waitMs);
  }

  #say(typing: boolean): void {
    if (!typing && !this.#toldTyping) return;
    this.#toldTyping = typing;
    this.#toldAtMs = performance.now();
    this.#tell(typing);
  }
}
