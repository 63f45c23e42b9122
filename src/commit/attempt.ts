/** One try of a batch: the outcome of each command, and the changes of all in their order. */
import type { Change } from '../domain/change.ts';
import { ChatError } from '../domain/error.ts';
import type { HotState } from '../domain/state.ts';
import type { BatchWrite } from '../ports/index.ts';
import type { BatchRows } from './batch-rows.ts';
import type { Decision } from './command.ts';
import { keysOf, type Pending } from './command-queue.ts';
import { KeySet, RowNotLocked } from './key-set.ts';

export type Outcome = { readonly decision: Decision<unknown> } | { readonly refusal: unknown };

export class Attempt {
  readonly outcomes = new Map<Pending, Outcome>();
  readonly changes: Change[] = [];
  #json: Buffer | undefined;

  /** Under locks: every command has an outcome, refusals too. Throws what is a bug. */
  decide(batch: readonly Pending[], rows: BatchRows, nowUs: number): void {
    for (const pending of batch) {
      try {
        this.#accept(pending, rows, nowUs);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        this.outcomes.set(pending, { refusal: error });
      }
    }
  }

  /**
   * On rows that may be a moment old: what is refused, or needs more than these rows, is left for locks, together with
   * all that came behind it from the same people. Returns what was left, in order.
   */
  guess(batch: readonly Pending[], rows: BatchRows, nowUs: number, hot: HotState): Pending[] {
    const left: Pending[] = [];
    const keysOfLeft = new KeySet();
    for (const pending of batch) {
      let isLeft = left.length > 0 && keysOf([pending], hot).meets(keysOfLeft);
      if (!isLeft) {
        try {
          this.#accept(pending, rows, nowUs);
        } catch (error) {
          if (!isRefusal(error)) throw error;
          isLeft = true;
        }
      }
      if (!isLeft) continue;
      left.push(pending);
      pending.command.addKeys(keysOfLeft, hot);
    }
    return left;
  }

  write(rows: BatchRows, leaseToken: number | undefined): BatchWrite {
    const { changes } = this;
    return {
      visitors: rows.visitors.written(),
      chats: rows.chats.written(),
      operators: rows.operators.written(),
      departments: rows.departments.written(),
      messages: rows.messages.written(),
      history: rows.history.rows,
      statusTimes: rows.statusTimes.rows,
      endedPageIds: changes.filter(change => change.type === 'page-ended').map(change => change.pageId),
      endedOperatorSessions: changes.filter(change => change.type === 'operator-sessions-ended'),
      changeCount: changes.length,
      changesJson: this.changesJson(),
      leaseToken,
    };
  }

  /** Serialised and encoded once: for the log and for the envelope. */
  changesJson(): Buffer {
    this.#json ??= Buffer.from(JSON.stringify(this.changes));
    return this.#json;
  }

  #accept(pending: Pending, rows: BatchRows, nowUs: number): void {
    const decision = pending.command.decide(rows, nowUs);
    rows.fold(decision.changes, decision.records);
    for (const change of decision.changes) this.changes.push(change);
    this.outcomes.set(pending, { decision });
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof ChatError || error instanceof RowNotLocked;
}
