/**
 * Visitors who have come and never had a chat, as their init on this node has read them: enough to begin their first one
 * without locks, because the write checks that all of it is still so.
 */
import { isUntouched, type Visitor } from '../domain/visitor.ts';
import type { Metrics } from '../ports/index.ts';
import type { AppliedChange, Replica, ReplicaListener } from './replica.ts';

/** Most come and never write. The oldest are forgotten: they write a little slower. With all their fields 50 MB at most. */
const MAX_KEPT = 5_000;

export class Newcomers implements ReplicaListener {
  readonly #replica: Replica;
  /** Oldest first. */
  readonly #visitors = new Map<string, Visitor>();

  constructor(replica: Replica, metrics: Metrics) {
    this.#replica = replica;
    replica.listen(this);
    metrics.gauge('newcomers', 'Visitors in memory who have never had a chat (at most 5000)', () => this.#visitors.size);
  }

  /** He has just been read from the database, and had no chat. */
  add(visitor: Visitor): void {
    // One begun meanwhile was heard of before this.
    if (!isUntouched(visitor) || this.#replica.openChatOf(visitor.id) !== undefined) return;
    this.#visitors.delete(visitor.id);
    this.#visitors.set(visitor.id, visitor);
    for (const oldest of this.#visitors.keys()) {
      if (this.#visitors.size <= MAX_KEPT) break;
      this.#visitors.delete(oldest);
    }
  }

  get(visitorId: string): Visitor | undefined {
    return this.#visitors.get(visitorId);
  }

  delete(visitorId: string): void {
    this.#visitors.delete(visitorId);
  }

  applied({ change }: AppliedChange): void {
    switch (change.type) {
      case 'chat-opened':
        this.delete(change.chat.visitorId);
        break;
      case 'visitor-changed': {
        const { visitorId, fields, verified, clearedUs } = change;
        const known = this.#visitors.get(visitorId);
        if (known === undefined) break;
        if (clearedUs === known.clearedUs) this.#visitors.set(visitorId, { ...known, fields, verified: verified ?? known.verified });
        else this.delete(visitorId);
        break;
      }
      case 'visitor-banned':
        this.delete(change.visitorId);
        break;
      default:
    }
  }

  reloaded(): void {
    this.#visitors.clear();
  }
}
