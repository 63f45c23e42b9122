/** The bus of a single node: there is nobody to tell, and nothing to be interrupted. */
import type { Bus } from '../ports/index.ts';

export const NO_BUS: Bus = {
  transport: 'none',
  connected: true,
  reason: undefined,
  start: () => Promise.resolve(),
  setPassword: () => undefined,
  publish: () => undefined,
  publishSignal: () => undefined,
  stop: () => Promise.resolve(),
};
