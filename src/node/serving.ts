/**
 * Lets clients in and sends them away, in the order in which it hurts nobody: not ready, lease handed over, clients
 * told when to come back (each at another time; polls answered), commands in flight finished. Draining can be wished
 * by an administrator and taken back; stopping drains for good.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Config } from '../config/config.ts';
import type { HttpServer } from '../http/server.ts';
import type { Log } from '../ports/index.ts';
import type { Health } from '../sync/health.ts';
import type { Leadership } from '../sync/leadership.ts';
import type { WsServer } from '../ws/server.ts';

/** A database that does not answer must not keep clients waiting: the lease then expires by itself. */
const RESIGN_WITHIN_MS = 2_000;

export interface TrafficOptions {
  readonly health: Health;
  readonly leadership: Leadership;
  readonly ws: WsServer;
  readonly web: HttpServer;
  readonly node: Config['node'];
  readonly log: Log;
  /** This node's state is news for the others. */
  readonly announce: () => void;
}

export class Traffic {
  readonly #options: TrafficOptions;
  #port: number;
  #isOpen = false;
  #hasOpened = false;
  #stopped = false;
  /** Opening and draining, one after the other. */
  #changing: Promise<void> = Promise.resolve();

  constructor(options: TrafficOptions) {
    this.#options = options;
    this.#port = options.node.port;
  }

  get url(): string {
    const { tls, listen } = this.#options.node;
    return `${tls === undefined ? 'http' : 'https'}://${listen.includes(':') ? `[${listen}]` : listen}:${this.#port}/`;
  }

  async open(): Promise<void> {
    const { web, ws, health, leadership, node, announce } = this.#options;
    this.#port = await web.listen(node.listen, this.#port);
    ws.open();
    this.#isOpen = true;
    this.#hasOpened = true;
    health.serving();
    leadership.stand();
    announce();
  }

  /** For good. */
  async drain(): Promise<void> {
    this.#stopped = true;
    await this.#changing;
    if (this.#isOpen) await this.#close();
  }

  /** What an administrator wants, said again with each heartbeat. */
  wish(drained: boolean): void {
    if (!this.#hasOpened || this.#stopped || drained !== this.#isOpen) return;
    this.#isOpen = !drained;
    this.#options.log.info(drained ? 'drain-wished' : 'drain-taken-back');
    this.#changing = this.#changing
      .then(() => (drained ? this.#close() : this.open()))
      .catch((error: unknown) => {
        this.#isOpen = false; // the next heartbeat asks again
        this.#options.log.error('traffic-failed', { error });
      });
  }

  async #close(): Promise<void> {
    const { health, leadership, ws, web, announce } = this.#options;
    this.#isOpen = false;
    health.draining();
    announce();
    await Promise.race([leadership.resign(), wait(RESIGN_WITHIN_MS, undefined, { ref: false })]);
    ws.drain();
    await web.drain();
  }
}
