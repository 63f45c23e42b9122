/**
 * What a command is: the rows it wants locked, and a pure decision on them. It may be refused (ChatError), and a
 * refused command changes nothing. The commit loop runs it; nothing else does.
 */
import type { Change } from '../domain/change.ts';
import type { HotState } from '../domain/state.ts';
import type { Microseconds } from '../domain/time.ts';
import type { BatchRows } from './batch-rows.ts';
import type { KeySet } from './key-set.ts';

export interface Decision<A> {
  /** In the order in which they happened; none when there is nothing to do (a repeat). */
  readonly changes: readonly Change[];
  readonly answer: A;
  /** Of assignments: why this operator (packRecord), one for each change; kept with the chat's history. */
  readonly records?: readonly string[];
}

export interface Command<A> {
  readonly name: string;
  /** The fencing token under which the master decided this; absent for commands of sessions. */
  readonly leaseToken?: number;
  /** For how many commands it counts in a batch and in the queue; left out: 1. */
  readonly weight?: number;
  /** About how much it brings in: what the queue is bounded by. */
  readonly bytes: number;
  /** Adds the rows to lock. A wrong guess costs one more round, never correctness. */
  addKeys(keys: KeySet, hot: HotState): void;
  decide(rows: BatchRows, nowUs: Microseconds): Decision<A>;
}

/** What became of a command that was not refused. */
export interface Executed<A> {
  readonly answer: A;
  /** The newest revision of its batch; undefined when the command changed nothing. */
  readonly revision: number | undefined;
}

/** A decision that changes nothing. */
export function unchanged<A>(answer: A): Decision<A> {
  return { changes: [], answer };
}
