/**
 * The load on one target.
 *   rate        open loop: times count from when a message should have been sent, so a server (or generator) that stalls
 *               is charged for the queue it causes. The generator's timer alone costs ~0.7 ms.
 *   saturation  closed loop: `window` messages of each chat are under way
 */
import { setTimeout as wait } from 'node:timers/promises';
import { Histogram, type Percentiles } from './histogram.ts';
import { loadAverage, ProcessWatch } from './processes.ts';
import type { Shape, Target } from './target.ts';
import { cpuUsPer, usageBetween } from './usage.ts';

/** Bounds memory, not a run: no run gets that far. */
const MAX_MESSAGES = 4_000_000;
/** Servers run for weeks: what compiles in their first seconds is not measured. */
const WARM_UP_MS = 2_000;
const DRAIN_MS = 10_000;

export interface LoadOptions {
  readonly seconds: number;
  /** Messages a second; undefined: saturation. */
  readonly rate?: number | undefined;
  readonly window?: number;
}

export interface LoadFigures {
  /** Messages delivered a second. */
  readonly throughput: number;
  readonly delivery: Percentiles;
  readonly ack: Percentiles;
  readonly sent: number;
  readonly lost: number;
  readonly doubled: number;
  readonly reordered: number;
  readonly acknowledged: number;
  readonly persisted: number;
  /** Cores used, by process; `generator` is this one. */
  readonly cores: Readonly<Record<string, number>>;
  /** Of all but the generator. */
  readonly cpuUsPerMessage: number;
  readonly rssMib: Readonly<Record<string, number>>;
  readonly load: number;
  readonly [extra: string]: unknown;
}

export class LoadedTarget {
  readonly target: Target;
  readonly shape: Shape;
  /** Chats whose visitors write. */
  readonly #writing: number;
  #watch: ProcessWatch | undefined;
  #nextId = 0;
  #delivered: (id: number) => void = () => undefined;
  #acknowledged: (id: number) => void = () => undefined;

  constructor(target: Target, shape: Shape, writing = shape.chats) {
    this.target = target;
    this.shape = shape;
    this.#writing = writing;
  }

  async start(): Promise<void> {
    await this.target.start(this.shape, {
      delivered: id => this.#delivered(id),
      acknowledged: id => this.#acknowledged(id),
    });
    this.#watch = new ProcessWatch(this.target.processes());
    await wait(300);
  }

  async stop(): Promise<void> {
    await this.target.stop();
  }

  async run({ seconds, rate, window = 4 }: LoadOptions): Promise<LoadFigures> {
    const { target } = this;
    const chats = this.#writing;
    const base = this.#nextId;
    const size = rate === undefined ? MAX_MESSAGES : Math.ceil(rate * (seconds + WARM_UP_MS / 1_000)) + 2;
    const dueMs = new Float64Array(size);
    const chatOf = new Int32Array(size);
    const seen = new Uint8Array(size);
    const newestOf = new Float64Array(chats).fill(-1);
    const delivery = new Histogram();
    const ack = new Histogram();
    let [sent, got, doubled, reordered, acknowledged, inWindow] = [0, 0, 0, 0, 0, 0];
    const [persistedBefore, extrasBefore] = [await target.persisted(), target.extras?.() ?? {}];

    const startMs = performance.now();
    const fromMs = startMs + WARM_UP_MS;
    const toMs = fromMs + seconds * 1_000;
    const isMeasured = (ms: number): boolean => ms >= fromMs && ms < toMs;

    const send = (chat: number, atMs: number): void => {
      dueMs[sent] = atMs;
      chatOf[sent] = chat;
      target.send(chat, base + sent);
      sent += 1;
    };
    this.#acknowledged = id => {
      const i = id - base;
      if (i < 0 || i >= sent) return;
      acknowledged += 1;
      const due = dueMs[i] ?? 0;
      if (isMeasured(due)) ack.add(performance.now() - due);
    };
    this.#delivered = id => {
      const i = id - base;
      if (i < 0 || i >= sent) return;
      if (seen[i] === 1) {
        doubled += 1;
        return;
      }
      seen[i] = 1;
      got += 1;
      const now = performance.now();
      const due = dueMs[i] ?? 0;
      const chat = chatOf[i] ?? 0;
      if (isMeasured(now)) inWindow += 1;
      if (isMeasured(due)) delivery.add(now - due);
      if (i < (newestOf[chat] ?? -1)) reordered += 1;
      else newestOf[chat] = i;
      if (rate === undefined && now < toMs && sent < MAX_MESSAGES - 1) send(chat, now);
    };

    const measured = usageBetween(this.#watch ?? new ProcessWatch(target.processes()), fromMs, toMs);
    if (rate === undefined) {
      for (let k = 0; k < window; k++) for (let chat = 0; chat < chats; chat++) send(chat, performance.now());
      await wait(toMs - performance.now());
    } else {
      const total = Math.floor((rate * (WARM_UP_MS + seconds * 1_000)) / 1_000);
      const dueOf = (i: number): number => startMs + (i * 1_000) / rate;
      for (let i = 0; i < total && performance.now() < toMs + 3_000; ) {
        let burst = 0;
        for (const now = performance.now(); i < total && dueOf(i) <= now && burst < 500; i++, burst++) send((i * 7_919) % chats, dueOf(i));
        await (burst === 500 ? new Promise(setImmediate) : wait(1));
      }
    }
    const usage = await measured;
    for (const end = performance.now() + DRAIN_MS; (got < sent || acknowledged < sent) && performance.now() < end; ) await wait(20);
    this.#delivered = this.#acknowledged = () => undefined;
    this.#nextId = base + sent;

    const throughput = Math.round(inWindow / seconds);
    return {
      throughput,
      delivery: delivery.percentiles(),
      ack: ack.percentiles(),
      sent,
      lost: sent - got,
      doubled,
      reordered,
      acknowledged,
      persisted: (await target.persisted()) - persistedBefore,
      cores: usage.cores,
      cpuUsPerMessage: cpuUsPer(throughput, usage),
      rssMib: usage.rssMib,
      load: loadAverage(),
      ...Object.fromEntries(Object.entries(target.extras?.() ?? {}).map(([name, count]) => [name, count - (extrasBefore[name] ?? 0)])),
    };
  }
}
