/** One question of the bench and its interleaved answer: each round visits every case once, so that a machine's drift hits all. */
import type { BenchServices } from './services.ts';

/** One measurement; `figures` are numbers by name, nested as the scenario likes. */
export interface Measurement {
  readonly scenario: string;
  /** What was measured: a target, or a target under a condition. */
  readonly subject: string;
  readonly round: number;
  readonly figures: object;
}

export interface BenchContext {
  readonly services: BenchServices;
  /** Length of one measuring window. */
  readonly seconds: number;
  /** A smaller machine, or a quick look: sizes are divided by this. 1 for figures that count. */
  readonly divisor: number;
  readonly round: number;
  /** How long a soak takes. */
  readonly minutes: number;
  /** `quiet`: written, not shown. */
  record(scenario: string, subject: string, figures: object, how?: { readonly quiet: boolean }): void;
  say(sentence: string): void;
}

export interface Scenario {
  readonly name: string;
  /** One line for --help. */
  readonly about: string;
  /** Too long for the default run. */
  readonly onlyWhenNamed?: boolean;
  round(context: BenchContext): Promise<void>;
}
