/** The feed: any delivery of the same commits (doubled, reordered, with holes) ends in the same state. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Change } from '../../src/domain/change.ts';
import { createMetrics } from '../../src/system/metrics.ts';
import type { LoggedCommit } from '../../src/ports/index.ts';
import { Feed } from '../../src/sync/feed.ts';
import { NewestKnown } from '../../src/sync/newest-known.ts';
import { Replica } from '../../src/sync/replica.ts';
import { aChat, aMessage } from '../support/rows.ts';
import { clock, keptLog } from '../support/silent.ts';

const BASE = 1_000_000_000_000;
const COMMITS = 12;

/** A chat, then messages: each commit one or two changes. */
function makeCommits(): LoggedCommit[] {
  const commits: LoggedCommit[] = [];
  let next = BASE + 1;
  for (let i = 0; i < COMMITS; i++) {
    const changes: Change[] =
      i === 0
        ? [{ type: 'chat-opened', chat: aChat(), as: 'opened' }]
        : Array.from({ length: 1 + (i % 2) }, (_, k) => ({ type: 'message-added', message: aMessage({ tsUs: i * 10 + k }) }));
    commits.push({ first: next, last: next + changes.length - 1, batchId: `batch ${i}`, changes, bytes: 100 });
    next += changes.length;
  }
  return commits;
}

async function makeFeed(commits: readonly LoggedCommit[]) {
  const replica = new Replica();
  const metrics = createMetrics();
  const feed = new Feed({
    replica,
    known: new NewestKnown(),
    log: { read: after => Promise.resolve({ commits: commits.filter(commit => commit.last > after), complete: true }) },
    snapshots: { load: () => Promise.resolve({ revision: BASE, batchId: undefined, chats: [], operators: [], departments: [] }) },
    clock,
    logger: keptLog(),
    metrics,
  });
  await feed.start();
  return { replica, feed, metrics };
}

describe('the feed', () => {
  test('any delivery of the commits ends in the same state, without a snapshot', async () => {
    const commits = makeCommits();
    const newest = commits.at(-1)!.last;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(COMMITS - 1), { maxLength: 40 }), async order => {
        const { replica, feed, metrics } = await makeFeed(commits);
        for (const i of order) feed.envelope(commits[i]!);
        feed.newestIs(newest);
        assert.ok(await feed.reached(newest, 2_000));
        assert.equal(replica.chats.get(1)!.messageCount, newest - BASE - 1);
        assert.equal(await metrics.value('replica_reloads_total'), 1);
        feed.stop();
      }),
      { numRuns: 25 },
    );
  });

  test('commits in order need no log', async () => {
    const commits = makeCommits();
    const { replica, feed, metrics } = await makeFeed(commits);
    for (const commit of commits) feed.envelope(commit);
    assert.equal(replica.revision, commits.at(-1)!.last);
    assert.equal((await metrics.value('feed_holes_repaired_total')) + (await metrics.value('feed_log_polls_total')), 0);
    feed.stop();
  });

  test('a commit of another epoch is never applied: the replica is loaded again', async () => {
    const { replica, feed, metrics } = await makeFeed(makeCommits());
    feed.envelope({
      first: 2 * BASE + 1,
      last: 2 * BASE + 1,
      batchId: undefined,
      changes: [{ type: 'chat-opened', chat: aChat(), as: 'opened' }],
      bytes: 1,
    });
    await feed.catchUp();
    assert.equal(replica.chats.size, 0);
    assert.equal(await metrics.value('replica_reloads_total'), 2);
    feed.stop();
  });

  test('a kind of change that only a newer node knows makes the replica load again', async () => {
    const commits = makeCommits();
    const { feed, metrics } = await makeFeed(commits);
    feed.envelope({
      first: BASE + 1,
      last: BASE + 1,
      batchId: undefined,
      changes: [{ type: 'invented-tomorrow' } as unknown as Change],
      bytes: 1,
    });
    await new Promise(setImmediate);
    assert.equal(await metrics.value('replica_reloads_total'), 2);
    feed.stop();
  });
});
