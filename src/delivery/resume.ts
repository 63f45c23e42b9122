/** Where a client that comes back goes on: what its `since` says, and whether what it has missed can still be told. */
import { EPOCH_SIZE, epochOf, type Revision } from '../domain/change.ts';
import { type Parameters, wrong } from '../protocol/parameters.ts';
import type { Feed } from '../sync/feed.ts';
import type { Replica } from '../sync/replica.ts';
import type { Resync } from './stream.ts';

export interface ResumePoint {
  /** undefined: full update. */
  readonly since: Revision | undefined;
  readonly resync: Resync | undefined;
}

/** Reads `since`: absent, empty or 0 means a full update. */
export function readSince(parameters: Parameters): Revision | undefined {
  const since = parameters.optionalText('since', { max: 20 });
  if (since === undefined || since === '' || since === '0') return undefined;
  const revision = Number(since);
  if (!/^\d{1,16}$/.test(since) || !Number.isSafeInteger(revision)) throw wrong('since', 'a revision is expected');
  return revision;
}

/**
 * Where a client that knows `since` can go on. When this node is behind it catches up first; only when the database
 * itself is lower (it was restored) is the client ahead.
 */
export async function resumePoint(
  { feed, replica }: { readonly feed: Feed; readonly replica: Replica },
  since: Revision | undefined,
): Promise<ResumePoint> {
  if (since === undefined) return { since: undefined, resync: undefined };
  if (since > replica.revision && !(await feed.reached(since, 1_000))) await feed.catchUp();
  if (since > replica.revision) return { since: undefined, resync: 'ahead' };
  if (epochOf(since) !== epochOf(replica.revision) && since !== replica.epoch * EPOCH_SIZE) return { since: undefined, resync: 'too-old' };
  return { since, resync: undefined };
}
