/** The wall clock of a node, shifted: an environment for its process. Its monotonic clock stays right, as in life. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';

/** `folder`: where the shifting module is put. */
export function shiftedClock(folder: string, byMs: number): Record<string, string> {
  const file = path.join(folder, 'shifted-clock.mjs');
  writeFileSync(
    file,
    `const RealDate = Date;
     const now = () => RealDate.now() + ${byMs};
     globalThis.Date = class Date extends RealDate {
       constructor(...args) { if (args.length === 0) super(now()); else super(...args); }
       static now() { return now(); }
     };`,
  );
  return { NODE_OPTIONS: `--import ${file}` };
}
