/**
 * Look-ups batched like commits: calls that come while a statement is in flight wait and share the next one. The
 * statement in flight is the timer, so at low load each call goes at once.
 */
import { ChatError } from '../domain/error.ts';

const BATCH = 500;
const MAX_WAITING = 10_000;

export class Gather<I, O> {
  readonly #run: (inputs: readonly I[]) => Promise<readonly O[]>;
  readonly #batch: number;
  #waiting: { input: I; resolve: (output: O) => void; reject: (error: unknown) => void }[] = [];
  #running = false;

  /** `run` returns one output for each input, in the same order, of at most `batch` inputs. */
  constructor(run: (inputs: readonly I[]) => Promise<readonly O[]>, batch = BATCH) {
    this.#run = run;
    this.#batch = batch;
  }

  /** Rejects with `unavailable` when too many calls wait. */
  load(input: I): Promise<O> {
    if (this.#waiting.length >= MAX_WAITING) {
      return Promise.reject(new ChatError('unavailable', 'server-not-ready', 'too many look-ups are waiting'));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ input, resolve, reject });
      if (!this.#running) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#batch);
      try {
        const outputs = await this.#run(batch.map(call => call.input));
        if (outputs.length !== batch.length) throw new Error(`${outputs.length} outputs for ${batch.length} inputs`);
        batch.forEach((call, i) => call.resolve(outputs[i] as O));
      } catch (error) {
        for (const call of batch) call.reject(error);
      }
    }
    this.#running = false;
  }
}
