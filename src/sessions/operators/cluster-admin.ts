/** The cluster as administrators see it and what they wish of it (docs/protocol/operator.md, section 7). All throw ChatError. Who may: rights.ts. */
import { ChatError } from '../../domain/error.ts';
import type { Operator } from '../../domain/operator.ts';
import type { ClusterControl, DatabaseFacts, Log, NodeOverview, OpenedEpoch } from '../../ports/index.ts';
import type { Parameters } from '../../protocol/parameters.ts';

/** Measuring the database's size means looking at each of its files. */
const FACTS_KEPT_MS = 5_000;

export interface ClusterAdminOptions {
  readonly control: ClusterControl;
  readonly log: Log;
  readonly isCluster: boolean;
  /** The bus as this node sees it. */
  readonly broker: () => { readonly transport: string; readonly connected: boolean; readonly host: string | null };
  /** Where the database is. */
  readonly databaseHost: string;
  readonly clock: { nowMs(): number };
}

export class ClusterAdmin {
  readonly #options: ClusterAdminOptions;
  #facts: { readonly read: Promise<DatabaseFacts>; readonly untilMs: number } | undefined;

  constructor(options: ClusterAdminOptions) {
    this.#options = options;
  }

  /** The same whichever node is asked, but for `broker`. */
  async look(): Promise<object> {
    const { control, broker, databaseHost } = this.#options;
    const [{ revision, lease, nodes, epochs }, facts] = await Promise.all([control.look(), this.#readFacts()]);
    return {
      result: 'ok',
      data: {
        leader: lease?.holder ?? null,
        lease: lease ?? null,
        revision: String(revision),
        transport: broker().transport,
        database: { host: databaseHost, ...facts },
        broker: broker(),
        nodes: nodes.map(nodeObject),
        epochs: epochs.map(epochObject),
      },
    };
  }

  async promote(operator: Operator, parameters: Parameters): Promise<object> {
    const name = this.#readNode(parameters);
    await this.#options.control.promote(name);
    return this.#wished(operator, 'promote', name);
  }

  async handOver(operator: Operator): Promise<object> {
    this.#refuseUnlessCluster();
    return this.#wished(operator, 'handover', await this.#options.control.handOver());
  }

  /** Who drains the last node that is ready could not take it back: nobody would answer him. */
  async drain(operator: Operator, parameters: Parameters): Promise<object> {
    const name = this.#readNode(parameters);
    const undo = parameters.optionalBoolean('undo') ?? false;
    const { control } = this.#options;
    if (!undo) {
      const { nodes } = await control.look();
      if (nodes.some(node => node.name === name) && !nodes.some(node => node.name !== name && node.ready))
        throw new ChatError('conflict', 'node-not-ready', `no other node is ready: without '${name}' nobody would be served`);
    }
    await control.drain(name, !undo);
    return this.#wished(operator, undo ? 'undo-drain' : 'drain', name);
  }

  #wished(operator: Operator, wish: string, target: string): object {
    this.#options.log.info('admin-wish', { operatorId: operator.id, wish, target });
    return { result: 'ok' };
  }

  #readNode(parameters: Parameters): string {
    this.#refuseUnlessCluster();
    return parameters.text('node', { max: 200 });
  }

  #refuseUnlessCluster(): void {
    if (!this.#options.isCluster) throw new ChatError('conflict', 'not-a-cluster', 'this is a single node, not a cluster');
  }

  #readFacts(): Promise<DatabaseFacts> {
    const { control, clock } = this.#options;
    const nowMs = clock.nowMs();
    if (this.#facts === undefined || this.#facts.untilMs <= nowMs) {
      const read = control.database();
      read.catch(() => (this.#facts = undefined)); // whoever waits for it is told; the next one asks again
      this.#facts = { read, untilMs: nowMs + FACTS_KEPT_MS };
    }
    return this.#facts.read;
  }
}

function epochObject({ openedAt, newestRevision, knownRevision, ...epoch }: OpenedEpoch): object {
  return {
    ...epoch,
    openedAt: openedAt.toISOString(),
    newestRevision: String(newestRevision),
    knownRevision: knownRevision === null ? null : String(knownRevision),
  };
}

function nodeObject({ name, stats, revision, ready: _, startedAt, ...node }: NodeOverview): object {
  const { reason, ...figures } = stats ?? { reason: '' };
  return {
    node: name,
    ...node,
    revision: String(revision),
    startedAt: startedAt.toISOString(),
    reason: reason === '' ? null : reason,
    stats: stats === undefined ? null : figures,
  };
}
