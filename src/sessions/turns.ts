/**
 * Work that is dear, done a few at a time: so many at once, so many of each person, and a bounded number waits, of each person
 * too, so that who asks a hundred times waits for himself. In order of coming otherwise. Used by searches and large answers.
 */
export interface TurnsOptions {
  readonly atOnce: number;
  readonly ofEach: number;
  readonly waiting: number;
  readonly waitingOfEach: number;
  readonly maxWaitMs: number;
}

interface Waiter {
  readonly key: string;
  readonly go: (leave: (() => void) | undefined) => void;
}

export class Turns {
  readonly #options: TurnsOptions;
  readonly #waiting = new Set<Waiter>();
  readonly #runningOf = new Map<string, number>();
  readonly #waitingOf = new Map<string, number>();
  #running = 0;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Resolves to what to call afterwards; undefined: too many wait, or it took too long. */
  enter(key: string): Promise<(() => void) | undefined> {
    if (this.#mayRun(key)) return Promise.resolve(this.#run(key));
    const { waiting, waitingOfEach, maxWaitMs } = this.#options;
    if (this.#waiting.size >= waiting || (this.#waitingOf.get(key) ?? 0) >= waitingOfEach) return Promise.resolve(undefined);
    return new Promise(resolve => {
      const waiter: Waiter = {
        key,
        go: leave => {
          clearTimeout(late);
          this.#waiting.delete(waiter);
          count(this.#waitingOf, key, -1);
          resolve(leave);
        },
      };
      const late = setTimeout(() => waiter.go(undefined), maxWaitMs);
      this.#waiting.add(waiter);
      count(this.#waitingOf, key, 1);
    });
  }

  #mayRun(key: string): boolean {
    return this.#running < this.#options.atOnce && (this.#runningOf.get(key) ?? 0) < this.#options.ofEach;
  }

  #run(key: string): () => void {
    this.#running += 1;
    count(this.#runningOf, key, 1);
    return () => {
      this.#running -= 1;
      count(this.#runningOf, key, -1);
      for (const waiter of this.#waiting) {
        if (this.#running >= this.#options.atOnce) return;
        if (this.#mayRun(waiter.key)) waiter.go(this.#run(waiter.key));
      }
    };
  }
}

/** None is not kept. */
function count(counts: Map<string, number>, key: string, more: number): void {
  const sum = (counts.get(key) ?? 0) + more;
  if (sum === 0) counts.delete(key);
  else counts.set(key, sum);
}
