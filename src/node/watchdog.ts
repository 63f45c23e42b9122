/**
 * Watches the event loop from a thread of its own. A loop that was blocked for long says so in the node's health; one
 * that does not come back ends the process, so that its supervisor starts a new one: a node that hangs helps nobody.
 *
 * The thread counts its own ticks, not time: when the whole process was stopped (a debugger, a paused machine), both
 * stood still, and nothing is wrong.
 */
import { writeSync } from 'node:fs';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import type { Clock, Counter, Metrics } from '../ports/index.ts';
import type { Health } from '../sync/health.ts';

const TICK_MS = 500;
/** Blocked for this long: no traffic until it has run smoothly for a while. */
const UNREADY_AFTER_MS = 5_000;
const SMOOTH_AGAIN_MS = 2_000;
const KILL_AFTER_MS = 15_000;

export class Watchdog {
  readonly #health: Health;
  readonly #clock: Clock;
  readonly #blocked: Counter;
  readonly #beats = new Int32Array(new SharedArrayBuffer(4));
  #worker: Worker | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lastMs = 0;
  #smoothSinceMs = 0;

  constructor(options: { readonly health: Health; readonly clock: Clock; readonly metrics: Metrics }) {
    this.#health = options.health;
    this.#clock = options.clock;
    this.#blocked = options.metrics.counter('event_loop_blocked_total', 'Times the event loop stood still for more than 5 s');
  }

  start(): void {
    this.#lastMs = this.#clock.nowMs();
    this.#timer = setInterval(() => this.#beat(), TICK_MS);
    this.#worker = new Worker(new URL(import.meta.url), { workerData: this.#beats, stdout: false, stderr: false });
    this.#worker.on('error', () => undefined); // the node goes on without its watchdog
    this.#worker.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#worker?.terminate();
  }

  #beat(): void {
    Atomics.add(this.#beats, 0, 1);
    const nowMs = this.#clock.nowMs();
    const blockedMs = nowMs - this.#lastMs - TICK_MS;
    this.#lastMs = nowMs;
    if (blockedMs > UNREADY_AFTER_MS) {
      this.#blocked.inc();
      this.#smoothSinceMs = nowMs;
      this.#health.report('event-loop', 'paused', `stood still for ${Math.round(blockedMs / 1000)} s`);
    } else if (nowMs - this.#smoothSinceMs > SMOOTH_AGAIN_MS) {
      this.#health.report('event-loop', 'paused', undefined);
    }
  }
}

function watch(beats: Int32Array): void {
  let last = -1;
  let stillTicks = 0;
  setInterval(() => {
    const now = Atomics.load(beats, 0);
    stillTicks = now === last ? stillTicks + 1 : 0;
    last = now;
    if (stillTicks * TICK_MS < KILL_AFTER_MS) return;
    const line = {
      time: new Date().toISOString(),
      level: 'error',
      event: 'event-loop-blocked',
      seconds: KILL_AFTER_MS / 1000,
      pid: process.pid,
    };
    writeSync(2, `${JSON.stringify(line)}\n`);
    process.kill(process.pid, 'SIGKILL');
  }, TICK_MS);
}

if (!isMainThread && workerData instanceof Int32Array) watch(workerData);
