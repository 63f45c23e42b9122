/** Waits for a condition instead of sleeping: tries until the check neither throws nor returns false. */
import { setTimeout as wait } from 'node:timers/promises';

export async function eventually<T>(
  check: () => T | Promise<T>,
  { within = 5_000, every = 20 }: { within?: number; every?: number } = {},
): Promise<Exclude<T, false>> {
  const deadline = performance.now() + within;
  for (;;) {
    let failure: unknown = new Error(`not true within ${within} ms: ${check.toString()}`);
    try {
      const value = await check();
      if (value !== false) return value as Exclude<T, false>;
    } catch (error) {
      failure = error;
    }
    if (performance.now() > deadline) throw failure;
    await wait(every);
  }
}
