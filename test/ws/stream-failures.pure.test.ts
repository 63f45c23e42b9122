/** A stream that cannot go on closes its client, and what was wrong is in the log: a bug as one, an outage as what it is. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ChatError } from '../../src/domain/error.ts';
import { CLOSE } from '../../src/protocol/close-codes.ts';
import { type ClientKind, ClientSession } from '../../src/ws/client-session.ts';
import type { Connection } from '../../src/ws/connection.ts';
import { keptLog } from '../support/silent.ts';

describe('a stream that fails', () => {
  const revision = 5;

  /** What is closed, and what is logged, when what its client is to be told cannot be read. */
  async function failing(read: () => Promise<never>, isResumed: boolean) {
    const closed: number[] = [];
    const log = keptLog();
    const hub = { revision, subscribe: () => undefined, unsubscribe: () => undefined, missed: () => (isResumed ? [read()] : undefined) };
    const kind = {
      hub,
      log,
      view: { topics: ['o:1'], fullUpdate: read, derivedSince: () => [] },
      enter: () => () => undefined,
    } as unknown as ClientKind;
    const connection = {
      isSlow: false,
      onFrame: () => undefined,
      onClose: () => undefined,
      sendLast: () => undefined,
      close: ({ code }: { code: number }) => closed.push(code),
    } as unknown as Connection;
    await new ClientSession(connection, kind).open(isResumed ? 3 : undefined, undefined);
    await new Promise(setImmediate);
    return { closed, entries: log.entries };
  }

  const bug = new TypeError('cannot read properties of undefined');
  const away = new ChatError('unavailable', 'server-not-ready', 'the database cannot be reached');
  for (const [what, error, level] of [
    ['by a bug', bug, 'error'],
    ['because the database is away', away, 'info'],
  ] as const)
    for (const [when, isResumed] of [
      ['its full update is read', false],
      ['what was missed is read', true],
    ] as const)
      test(`while ${when}, ${what}`, async () => {
        const { closed, entries } = await failing(() => Promise.reject(error), isResumed);
        assert.deepEqual(closed, [CLOSE.goingAway.code]);
        assert.deepEqual(entries, [{ level, event: 'stream-failed', fields: { error } }]);
      });
});
