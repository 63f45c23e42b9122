/**
 * Commands that wait for the next commit, bounded in number and bytes. Commands of the master never share a batch
 * with those of sessions (only theirs are fenced); the two take turns.
 */
import type { HotState } from '../domain/state.ts';
import type { Command, Executed } from './command.ts';
import { KeySet, type RowNotLocked } from './key-set.ts';

const MAX_BATCH_COMMANDS = 1_000;
const MAX_BATCH_BYTES = 1_048_576;
const MAX_WAITING_BYTES = 32 * 1_048_576;

export interface Pending {
  readonly command: Command<unknown>;
  readonly deadlineMs: number;
  rounds: number;
  readonly extraKeys: RowNotLocked[];
  readonly resolve: (executed: Executed<unknown>) => void;
  readonly reject: (error: unknown) => void;
}

/** What a batch asks for, with the rows that its commands were found to need before. */
export function keysOf(batch: readonly Pick<Pending, 'command' | 'extraKeys'>[], hot: HotState): KeySet {
  const keys = new KeySet();
  for (const { command, extraKeys } of batch) {
    command.addKeys(keys, hot);
    for (const extra of extraKeys) extra.addTo(keys);
  }
  return keys;
}

export class CommandQueue {
  readonly #maxLength: number;
  #session: Pending[] = [];
  #leader: Pending[] = [];
  #length = 0;
  #bytes = 0;
  #lastWasLeader = false;
  #wanted = Number.POSITIVE_INFINITY;
  #onWanted: () => void = () => undefined;

  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /** Of all that wait, by weight. */
  get length(): number {
    return this.#length;
  }

  /** False when the queue is full. */
  push(pending: Pending): boolean {
    if (this.length >= this.#maxLength || this.#bytes + pending.command.bytes > MAX_WAITING_BYTES) return false;
    this.#count(pending);
    this.#laneOf(pending).push(pending);
    if (this.length >= this.#wanted) {
      this.#wanted = Number.POSITIVE_INFINITY;
      this.#onWanted();
    }
    return true;
  }

  /** Resolves when so many wait; only the latest call is kept. */
  hasAtLeast(count: number): Promise<void> {
    if (this.length >= count) return Promise.resolve();
    return new Promise(resolve => {
      this.#wanted = count;
      this.#onWanted = resolve;
    });
  }

  /** Back to the head: it has waited already. */
  pushFirst(pending: Pending): void {
    this.#count(pending);
    this.#laneOf(pending).unshift(pending);
  }

  /** The next batch, in order of arrival; empty when nothing waits. A batch has one lease token. */
  takeBatch(): Pending[] {
    const leader = this.#leader.length > 0 && (this.#session.length === 0 || !this.#lastWasLeader);
    this.#lastWasLeader = leader;
    const lane = leader ? this.#leader : this.#session;
    let bytes = 0;
    let weight = 0;
    let count = 0;
    for (const { command } of lane) {
      bytes += command.bytes;
      weight += weightOf(command);
      const fits = weight <= MAX_BATCH_COMMANDS && bytes <= MAX_BATCH_BYTES && command.leaseToken === lane[0]?.command.leaseToken;
      if (!fits && count > 0) break;
      count += 1;
    }
    return this.#release(lane.splice(0, count));
  }

  takeExpired(nowMs: number): Pending[] {
    const expired = [...this.#session, ...this.#leader].filter(pending => pending.deadlineMs <= nowMs);
    if (expired.length === 0) return [];
    this.#session = this.#session.filter(pending => pending.deadlineMs > nowMs);
    this.#leader = this.#leader.filter(pending => pending.deadlineMs > nowMs);
    return this.#release(expired);
  }

  #laneOf(pending: Pending): Pending[] {
    return pending.command.leaseToken === undefined ? this.#session : this.#leader;
  }

  #release(taken: Pending[]): Pending[] {
    for (const { command } of taken) {
      this.#length -= weightOf(command);
      this.#bytes -= command.bytes;
    }
    return taken;
  }

  #count({ command }: Pending): void {
    this.#length += weightOf(command);
    this.#bytes += command.bytes;
  }
}

function weightOf({ weight = 1 }: Command<unknown>): number {
  return weight;
}
