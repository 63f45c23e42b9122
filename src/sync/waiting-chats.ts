/** The replica's waiting chats in their sub-queues, kept up to date change by change. */
import { SubQueues } from '../domain/sub-queue.ts';
import type { AppliedChange, Replica, ReplicaListener } from './replica.ts';

export class WaitingChats implements ReplicaListener {
  readonly queues = new SubQueues();
  readonly #replica: Replica;

  constructor(replica: Replica) {
    this.#replica = replica;
    replica.listen(this);
  }

  applied({ chatBefore, chatAfter }: AppliedChange): void {
    if (chatBefore !== chatAfter) this.queues.update(chatBefore, chatAfter);
  }

  reloaded(): void {
    this.queues.clear();
    for (const chat of this.#replica.chats.values()) this.queues.update(undefined, chat);
  }
}
