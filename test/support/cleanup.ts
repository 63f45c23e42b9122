/** What a test has made, taken away in reverse order, also when the making failed half-way. */
export class Cleanup {
  readonly #steps: (() => unknown)[] = [];

  add<T>(made: T, takeAway: (made: T) => unknown): T {
    this.#steps.push(() => takeAway(made));
    return made;
  }

  async run(): Promise<void> {
    const failures: unknown[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'not everything was taken away');
  }
}
