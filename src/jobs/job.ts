/**
 * One of the master's jobs: runs when it is woken by a change, or at the deadline that its last run named, with a slow
 * sweep as a safety net; never twice at once, and only while this node leads. Its writes carry the fencing token. What it
 * does follows from the database and the replica alone, so a new master needs no memory of the old one's.
 */
import type { Microseconds } from '../domain/time.ts';
import { type Clock, type LabelledCounter, type Log, type Metrics, severityOf } from '../ports/index.ts';

const SWEEP_EVERY_MS = 5_000;
const SHORTEST_PAUSE_MS = 50;
/** After a failure. */
const PAUSE_MS = 1_000;

export interface JobOptions {
  /** The fencing token while this node leads. */
  readonly leaseToken: () => number | undefined;
  /** The database's time. */
  readonly nowUs: () => Microseconds;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** What a kind of job says of itself. */
export interface JobTraits {
  readonly name: string;
  /** How often at least. */
  readonly sweepMs?: number;
  /** Deadlines of one moment are met together: at least so long lies between two runs that no change has asked for. */
  readonly pauseMs?: number;
}

export abstract class Job {
  readonly #options: JobOptions;
  readonly #traits: Required<JobTraits>;
  readonly #runs: LabelledCounter;
  readonly #failures: LabelledCounter;
  readonly #milliseconds: LabelledCounter;
  #dirty = false;
  #started = false;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #dueUs = Number.POSITIVE_INFINITY;

  constructor(traits: JobTraits, options: JobOptions) {
    this.#options = options;
    this.#traits = { sweepMs: SWEEP_EVERY_MS, pauseMs: SHORTEST_PAUSE_MS, ...traits };
    const { metrics } = options;
    this.#runs = metrics.labelled('job_runs_total', "Runs of the master's jobs on this node", 'job');
    this.#failures = metrics.labelled('job_failures_total', 'Those that failed; they are tried again', 'job');
    this.#milliseconds = metrics.labelled('job_milliseconds_total', 'Time spent in them', 'job');
  }

  /** Does what is to be done now; returns when there will be something to do again, if time alone decides that. */
  protected abstract run(leaseToken: number): Promise<Microseconds | undefined>;

  start(): void {
    this.#started = true;
    this.wake();
  }

  async stop(): Promise<void> {
    this.#started = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#running;
  }

  /** There may be something to do. */
  wake(): void {
    this.#dirty = true;
    if (!this.#started) return;
    if (this.#options.leaseToken() === undefined) {
      // Whoever begins to lead wakes its jobs; a slave sets no timer for each change.
      if (this.#timer === undefined) this.#schedule(this.#traits.sweepMs);
      return;
    }
    this.#running ??= this.#runAll().finally(() => {
      this.#running = undefined;
      if (this.#dirty && this.#started) this.wake(); // woken after the last look and before this
    });
  }

  /** Was it woken since its present run began? */
  protected get isWoken(): boolean {
    return this.#dirty;
  }

  /** Something will be to do then, at the latest. */
  protected wakeAt(dueUs: Microseconds): void {
    if (dueUs >= this.#dueUs) return;
    this.#dueUs = dueUs;
    if (this.#running === undefined) this.#schedule(this.#traits.sweepMs);
  }

  async #runAll(): Promise<void> {
    const { leaseToken, clock } = this.#options;
    const { name, sweepMs } = this.#traits;
    let pauseMs = sweepMs;
    while (this.#dirty && this.#started) {
      this.#dirty = false;
      const token = leaseToken();
      if (token === undefined) break;
      const startedMs = clock.nowMs();
      this.#dueUs = Number.POSITIVE_INFINITY;
      try {
        const dueUs = await this.run(token);
        if (dueUs !== undefined) this.#dueUs = Math.min(this.#dueUs, dueUs);
      } catch (error) {
        this.#failures.inc(name);
        this.#options.log[severityOf(error)]('job-failed', { job: name, error });
        this.#dirty = false; // not at once again: a database that is gone is not asked in a loop
        pauseMs = PAUSE_MS;
      }
      this.#runs.inc(name);
      this.#milliseconds.inc(name, Math.round(clock.nowMs() - startedMs));
    }
    this.#schedule(pauseMs);
  }

  #schedule(atMostMs: number): void {
    clearTimeout(this.#timer);
    if (!this.#started) return;
    const untilDueMs = Math.max(this.#traits.pauseMs, Math.ceil((this.#dueUs - this.#options.nowUs()) / 1_000));
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.wake();
      },
      Math.min(atMostMs, untilDueMs),
    );
  }
}
