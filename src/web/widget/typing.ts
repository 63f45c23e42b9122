/** Tells the operator that the visitor types and what, at most once a second; and that he has stopped. */

const EVERY_MS = 1_000;
const STOPPED_AFTER_MS = 5_000;

export class Typing {
  readonly #tell: (isTyping: boolean, draft: string) => void;
  #draft = '';
  #toldDraft = '';
  #lastToldMs = -EVERY_MS;
  #next: ReturnType<typeof setTimeout> | undefined;
  #stop: ReturnType<typeof setTimeout> | undefined;

  constructor(tell: (isTyping: boolean, draft: string) => void) {
    this.#tell = tell;
  }

  typed(draft: string): void {
    this.#draft = draft;
    clearTimeout(this.#stop);
    if (draft === '') {
      this.ended();
      return;
    }
    this.#stop = setTimeout(() => this.ended(), STOPPED_AFTER_MS);
    this.#next ??= setTimeout(() => this.#tellNow(), Math.max(0, this.#lastToldMs + EVERY_MS - performance.now()));
  }

  /** He has sent it, or stopped. */
  ended(): void {
    clearTimeout(this.#next);
    clearTimeout(this.#stop);
    this.#next = undefined;
    if (this.#toldDraft === '') return;
    this.#toldDraft = '';
    this.#lastToldMs = performance.now();
    this.#tell(false, this.#draft);
  }

  #tellNow(): void {
    this.#next = undefined;
    if (this.#draft === this.#toldDraft) return;
    this.#toldDraft = this.#draft;
    this.#lastToldMs = performance.now();
    this.#tell(true, this.#draft);
  }
}
