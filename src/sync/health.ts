/**
 * What state this node is in and why, as /status, /readyz and the heartbeat report it. Parts report their own
 * trouble under a name and take it back when it is over; the worst one decides.
 */
import type { Log } from '../ports/index.ts';

export type NodeState = 'starting' | 'running' | 'degraded' | 'paused' | 'draining';

/** paused: nothing can be committed · degraded: slower, still correct */
type Severity = 'paused' | 'degraded';

export class Health {
  readonly #log: Log;
  readonly #troubles = new Map<string, { readonly severity: Severity; readonly reason: string }>();
  #phase: 'starting' | 'serving' | 'draining' = 'starting';

  constructor(log: Log) {
    this.#log = log;
  }

  get state(): NodeState {
    if (this.#phase !== 'serving') return this.#phase;
    const severities = [...this.#troubles.values()].map(trouble => trouble.severity);
    return severities.includes('paused') ? 'paused' : severities.includes('degraded') ? 'degraded' : 'running';
  }

  get reasons(): string[] {
    return [...this.#troubles.entries()].map(([name, { reason }]) => `${name}: ${reason}`);
  }

  /** Should this node get traffic? A degraded node serves everything. */
  get isReady(): boolean {
    return this.state === 'running' || this.state === 'degraded';
  }

  report(name: string, severity: Severity, reason: string | undefined): void {
    const known = this.#troubles.get(name);
    if (reason === undefined) {
      if (!this.#troubles.delete(name)) return;
    } else {
      if (known?.reason === reason && known.severity === severity) return;
      this.#troubles.set(name, { severity, reason });
    }
    if (known !== undefined && reason !== undefined && known.severity === severity) return; // the same in other words
    const { state, reasons } = this;
    this.#log[state === 'running' ? 'info' : 'warn']('node-state', { state, reasons });
  }

  serving(): void {
    this.#phase = 'serving';
  }

  draining(): void {
    this.#phase = 'draining';
  }
}
