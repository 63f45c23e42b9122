/**
 * A log-in or page that ends while something is awaited: nobody goes on with it. Table of the waits: the look-up of a log-in and of a
 * page (which is then cached), the full update of a stream and of a poll.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ChatError } from '../../src/domain/error.ts';
import { createMetrics } from '../../src/system/metrics.ts';
import { Hub } from '../../src/delivery/hub.ts';
import { LatestEnds } from '../../src/sessions/latest-ends.ts';
import { OperatorLogins } from '../../src/sessions/operators/logins.ts';
import { poll } from '../../src/delivery/poll.ts';
import { Stream } from '../../src/delivery/stream.ts';
import { VisitorPages } from '../../src/sessions/visitors/pages.ts';

type Listener = { applied(applied: object): void; committed(): void; reloaded(revision: number): void };

/** Memory with one operator, whose changes are made here. */
class FakeReplica {
  revision = 1;
  readonly operators = new Map([[1, { id: 1, login: 'op', disabled: false }]]);
  readonly #listeners: Listener[] = [];
  listen(listener: Listener): void {
    this.#listeners.push(listener);
  }
  apply(change: object): void {
    this.revision += 1;
    for (const listener of this.#listeners) listener.applied({ change, revision: this.revision, bytes: 1 });
  }
  reload(): void {
    for (const listener of this.#listeners) listener.reloaded(this.revision);
  }
}

/** Given as what is really needed of them. */
const as = (value: object): never => value as never;

/** A look-up of rows: reads them at once, answers when it is let. */
class SlowRows<T> {
  row: T | undefined;
  reads = 0;
  #answer: () => void = () => undefined;
  constructor(row: T) {
    this.row = row;
  }
  read(): Promise<T | undefined> {
    this.reads += 1;
    const { row } = this;
    return new Promise(resolve => (this.#answer = () => resolve(row)));
  }
  async answer(): Promise<void> {
    this.#answer();
    for (let i = 0; i < 20; i++) await Promise.resolve();
  }
}

const isRefused = (error: unknown): boolean => error instanceof ChatError && /unauthorized|reinit-required/.test(error.reason);

describe('what ends meanwhile', () => {
  for (const [what, tokenHash] of [
    ['that login', 'own'],
    ['all logins', null],
  ] as const)
    test(`a login of which ${what} ended while it was looked up is refused, then and later`, async () => {
      const replica = new FakeReplica();
      const rows = new SlowRows({ operatorId: 1, expiresInMs: 1e9 });
      let hash = '';
      const logins = new OperatorLogins(
        as({
          store: { findSession: (own: string) => ((hash = own), rows.read()) },
          replica,
          clock: { nowMs: () => 0 },
          metrics: createMetrics(),
          secret: 'x',
          ttlSeconds: 1,
        }),
      );
      const asked = logins.authenticate('token');
      asked.catch(() => undefined);
      rows.row = undefined;
      replica.apply({ type: 'operator-sessions-ended', operatorId: 1, tokenHash: tokenHash === null ? null : hash });
      await rows.answer();
      await rows.answer();
      await assert.rejects(asked, isRefused);
      const later = logins.authenticate('token');
      later.catch(() => undefined);
      await rows.answer();
      await assert.rejects(later, isRefused);
    });

  test('the end of another one’s login is not waited for', async () => {
    const replica = new FakeReplica();
    const rows = new SlowRows({ operatorId: 1, expiresInMs: 1e9 });
    const store = { findSession: () => rows.read() };
    const logins = new OperatorLogins(
      as({ store, replica, clock: { nowMs: () => 0 }, metrics: createMetrics(), secret: 'x', ttlSeconds: 1 }),
    );
    const asked = logins.authenticate('token');
    replica.apply({ type: 'operator-sessions-ended', operatorId: 2, tokenHash: null });
    await rows.answer();
    assert.equal((await asked).operator.id, 1);
    assert.equal((await logins.authenticate('token')).operator.id, 1);
    assert.equal(rows.reads, 1, 'and it is cached');
  });

  for (const [what, change] of [
    ['page', { type: 'page-ended', pageId: 'p', visitorId: 'v' }],
    ['visitor’s stay', { type: 'visitor-banned', visitorId: 'v', ban: { untilUs: null, reason: '' } }],
  ] as const)
    test(`a page whose ${what} ended while it was looked up is refused, then and later`, async () => {
      const replica = new FakeReplica();
      const rows = new SlowRows({ found: { page: { id: 'p', visitorId: 'v' }, ban: null }, hasEnded: false, isVisitorKnown: true });
      const pages = new VisitorPages(
        as({
          pages: { find: async () => (await rows.read()) ?? { found: undefined, hasEnded: true, isVisitorKnown: true } },
          secret: 'x',
          left: { has: () => false },
          nowUs: () => 0,
          replica,
          clock: { nowMs: () => 0 },
          metrics: createMetrics(),
        }),
      );
      const asked = pages.authenticate('p', pages.tokenOf('p'));
      asked.catch(() => undefined);
      rows.row = undefined;
      replica.apply(change);
      await rows.answer();
      await rows.answer();
      await assert.rejects(asked, isRefused);
      const later = pages.authenticate('p', pages.tokenOf('p'));
      later.catch(() => undefined);
      await rows.answer();
      await assert.rejects(later, isRefused);
    });

  function hubWith(replica: FakeReplica): Hub {
    return new Hub(as({ replica, messages: {}, metrics: createMetrics(), ringBytes: 1_000, defaultMaxChats: 1 }));
  }
  const slowView = (update: SlowRows<object>) => ({
    topics: ['o:1'],
    fullUpdate: async () => (await update.read()) as { revision: number; frame: string },
    derivedSince: () => [],
  });
  const END = { type: 'operator-sessions-ended', operatorId: 1, tokenHash: null } as const;

  for (const when of ['before it is opened', 'while its full update is read', 'while it is read again'] as const)
    test(`a stream hears of an end ${when}`, async () => {
      const replica = new FakeReplica();
      const hub = hubWith(replica);
      const update = new SlowRows<object>({ revision: 1, frame: '{}' });
      let ends = 0;
      const client = { isSlow: false, send: () => undefined, fail: () => assert.fail('it failed'), end: () => void (ends += 1) };
      const stream = new Stream(hub, slowView(update), client);
      if (when !== 'before it is opened') void stream.open(undefined);
      if (when === 'while it is read again') {
        await update.answer();
        stream.restart();
      }
      replica.apply(END);
      assert.equal(ends, 1);
      stream.close();
      replica.apply(END);
      assert.equal(ends, 1, 'nothing listens any more');
      await stream.open(undefined);
      replica.apply(END);
      assert.equal(ends, 1, 'who has gone before is not listened for');
    });

  test('a poll that makes its full update answers nothing to whom ended meanwhile', async () => {
    const replica = new FakeReplica();
    const hub = hubWith(replica);
    const update = new SlowRows<object>({ revision: 1, frame: '{"fullUpdate":{}}' });
    const answer = poll({
      hub,
      view: slowView(update),
      since: undefined,
      resync: undefined,
      holdMs: 1,
      whileHeld: () => () => undefined,
      ended: () => new ChatError('unauthenticated', 'unauthorized', 'ended'),
    });
    answer.catch(() => undefined);
    replica.apply(END);
    await update.answer();
    await assert.rejects(answer, isRefused);
  });

  test('of more ends than are kept it is not said that there was none', () => {
    const ends = new LatestEnds<number>();
    ends.heard(7);
    const { count } = ends;
    assert.equal(
      ends.hasEndedSince(count, () => true),
      false,
    );
    for (let i = 0; i < 1_000; i++) ends.heard(i);
    assert.equal(
      ends.hasEndedSince(count, end => end === 999),
      true,
    );
    assert.equal(
      ends.hasEndedSince(count, end => end === 1_000),
      false,
    );
    ends.heard(0);
    assert.equal(
      ends.hasEndedSince(count, () => false),
      true,
    );
    const later = ends.count;
    ends.heardAll();
    assert.equal(
      ends.hasEndedSince(later, () => false),
      true,
    );
  });
});
