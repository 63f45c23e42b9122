/**
 * Which operators are connected to this node, as the database is told: who comes and who has gone, each once for all his
 * tabs and devices. A WebSocket is a connection; a poll or any other call is one that lasts a little longer than itself,
 * so that the moment between two polls is no absence. Said again every few seconds, because the master closes the rows of
 * a node that was silent.
 */
import { type Clock, type Log, type Metrics, type PresenceStore, severityOf } from '../../ports/index.ts';

const SAY_AGAIN_MS = 5_000;
/** Between two polls of one client. */
const POLL_LINGER_MS = 5_000;

interface Here {
  connections: number;
  /** Without a connection: since when, and until when that is not told yet. */
  leftMs: number;
  tellAtMs: number;
}

export interface PresenceOptions {
  readonly store: PresenceStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** A call that is no connection keeps its operator here for so long at most. */
  readonly graceMs: number;
}

export class Presence {
  readonly #options: PresenceOptions;
  readonly #here = new Map<number, Here>();
  readonly #came = new Set<number>();
  /** Who has gone, and when by this node's clock. */
  readonly #gone = new Map<number, number>();
  #telling: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #saidAllAtMs = 0;

  constructor(options: PresenceOptions) {
    this.#options = options;
    options.metrics.gauge('operators_present', 'Operators who are connected to this node', () => this.#here.size);
  }

  start(): void {
    this.#timer = setInterval(() => this.#sweep(), Math.max(100, Math.min(1_000, this.#options.graceMs / 4)));
  }

  /** Everybody has gone: the node stops. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#telling;
    const nowMs = this.#options.clock.nowMs();
    for (const id of this.#here.keys()) this.#gone.set(id, nowMs);
    this.#here.clear();
    this.#came.clear();
    await this.#tell().catch((error: unknown) => this.#options.log[severityOf(error)]('presence-not-told', { error }));
  }

  /** A WebSocket is open. Returns what to call when it is not any more. */
  enter(operatorId: number): () => void {
    this.#arrive(operatorId);
    return () => this.#leave(operatorId, 0);
  }

  /** A poll is held. */
  enterPoll(operatorId: number): () => void {
    this.#arrive(operatorId);
    return () => this.#leave(operatorId, Math.min(POLL_LINGER_MS, this.#options.graceMs / 2));
  }

  /** He has called. */
  seen(operatorId: number): void {
    this.enterPoll(operatorId)();
  }

  #arrive(operatorId: number): void {
    const here = this.#here.get(operatorId);
    if (here !== undefined) {
      here.connections += 1;
      return;
    }
    this.#here.set(operatorId, { connections: 1, leftMs: 0, tellAtMs: 0 });
    this.#gone.delete(operatorId);
    this.#came.add(operatorId);
    this.#tellSoon();
  }

  #leave(operatorId: number, lingerMs: number): void {
    const here = this.#here.get(operatorId);
    if (here === undefined) return; // stopped
    here.connections -= 1;
    if (here.connections > 0) return;
    here.leftMs = this.#options.clock.nowMs();
    here.tellAtMs = here.leftMs + lingerMs;
    if (lingerMs === 0) this.#sweep();
  }

  #sweep(): void {
    const nowMs = this.#options.clock.nowMs();
    for (const [id, { connections, leftMs, tellAtMs }] of this.#here) {
      if (connections > 0 || tellAtMs > nowMs) continue;
      this.#here.delete(id);
      this.#came.delete(id);
      this.#gone.set(id, leftMs);
    }
    if (nowMs - this.#saidAllAtMs >= SAY_AGAIN_MS) {
      this.#saidAllAtMs = nowMs;
      for (const id of this.#here.keys()) this.#came.add(id);
    }
    this.#tellSoon();
  }

  #tellSoon(): void {
    if (this.#came.size === 0 && this.#gone.size === 0) return;
    this.#telling ??= this.#tell()
      .catch((error: unknown) => this.#options.log[severityOf(error)]('presence-not-told', { error }))
      .finally(() => {
        this.#telling = undefined;
        if (this.#came.size > 0 && this.#timer !== undefined) setImmediate(() => this.#tellSoon());
      });
  }

  /** What could not be told is told with the next sweep. */
  async #tell(): Promise<void> {
    const { store, clock } = this.#options;
    const came = [...this.#came];
    const gone = [...this.#gone];
    this.#came.clear();
    this.#gone.clear();
    try {
      const nowMs = clock.nowMs();
      await store.tell(
        came,
        gone.map(([operatorId, leftMs]) => ({ operatorId, agoMs: Math.max(0, nowMs - leftMs) })),
      );
    } catch (error) {
      for (const id of came) if (this.#here.has(id)) this.#came.add(id);
      for (const [id, leftMs] of gone) if (!this.#here.has(id)) this.#gone.set(id, leftMs);
      await new Promise(resolve => setTimeout(resolve, 200));
      throw error;
    }
  }
}
