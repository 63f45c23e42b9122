/**
 * Times inside the product are whole microseconds since 1970 (`…Us`), read from the database's clock, so that
 * they compare across nodes and fit a JavaScript number (until the year 2255).
 */

export type Microseconds = number;

/** Protocol fields named `…Ts` are seconds as a float. */
export function toSeconds(us: Microseconds): number {
  return us / 1_000_000;
}

export function toSecondsOrNull(us: Microseconds | null): number | null {
  return us === null ? null : toSeconds(us);
}
