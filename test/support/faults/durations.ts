/** `npm run faults` runs the same tests with the durations that happen in life; `npm test` with short ones. */
export const isReal = process.env['FAULTS'] === 'real';

export function lasting<T>(short: T, real: T): T {
  return isReal ? real : short;
}
