/**
 * The newest commit that this node was told of, whoever told it: its own answer, the bus, the log, a snapshot, its memory of an earlier
 * run. A database that does not have it was set back. Revisions only ever grow, over epochs too, so the greatest one counts.
 */
import type { Revision } from '../domain/change.ts';
import type { KnownCommit } from '../ports/index.ts';

export class NewestKnown {
  #commit: KnownCommit = { revision: 0, batchId: undefined };

  get commit(): KnownCommit {
    return this.#commit;
  }

  saw(revision: Revision, batchId: string | undefined): void {
    if (revision > this.#commit.revision) this.#commit = { revision, batchId };
  }
}
