/** What repeats is said once, and then once a minute how often; what is expected has no stack. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { ChatError } from '../../src/domain/error.ts';
import { plainFields } from '../../src/system/plain.ts';
import { kindOf, type Repeat, Repeats, SAY_AGAIN_MS } from '../../src/system/repeats.ts';
import { isNoLongerLeading, StoreFailure } from '../../src/ports/index.ts';

const unavailable = (message: string): ChatError => new ChatError('unavailable', 'server-not-ready', message);

/** A line each time that something happens; `said` is what an administrator reads. */
function told(t: TestContext): { happens: (kind: string, times?: number) => void; said: (string | Repeat)[]; repeats: Repeats } {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.UTC(2026, 0, 1) });
  const repeats = new Repeats();
  const said: (string | Repeat)[] = [];
  const happens = (kind: string, times = 1): void => {
    for (let i = 0; i < times; i++) if (repeats.isNews(kind, repeat => said.push(repeat))) said.push(kind);
  };
  return { happens, said, repeats };
}

describe('what repeats', () => {
  test('is said once, then once a minute with how often and until when, and is news again after a minute without it', t => {
    const { happens, said } = told(t);
    for (let second = 0; second < 90; second++) {
      happens('a', 5);
      t.mock.timers.tick(1_000);
    }
    t.mock.timers.tick(SAY_AGAIN_MS);
    assert.deepEqual(said, [
      'a',
      { again: 299, firstAt: '2026-01-01T00:00:00.000Z', lastAt: '2026-01-01T00:00:59.000Z' },
      { again: 150, firstAt: '2026-01-01T00:01:00.000Z', lastAt: '2026-01-01T00:01:29.000Z' },
    ]);
    t.mock.timers.tick(SAY_AGAIN_MS);
    happens('a');
    assert.deepEqual(said.at(-1), 'a');
  });

  test('hides nothing else, and what happened once is not counted', t => {
    const { happens, said } = told(t);
    for (const kind of ['a', 'b', 'c']) happens(kind);
    t.mock.timers.tick(3 * SAY_AGAIN_MS);
    assert.deepEqual(said, ['a', 'b', 'c']);
  });

  test('is told at the end of the process, and never after', t => {
    const { happens, said, repeats } = told(t);
    happens('a', 3);
    repeats.tellAll();
    t.mock.timers.tick(3 * SAY_AGAIN_MS);
    assert.deepEqual(
      said.map(line => (typeof line === 'string' ? line : line.again)),
      ['a', 2],
    );
  });

  test('of ever new kinds keeps a bounded memory', t => {
    const { happens, said } = told(t);
    for (let i = 0; i < 10_000; i++) happens(`kind ${i}`);
    happens('kind 1');
    assert.equal(said.length, 10_000);
  });
});

describe('two lines are of one kind', () => {
  const bug = (message: string): Error => Object.assign(new Error(message), { stack: `Error: ${message}\n at x:1:1` });
  const rows: readonly [string, readonly [string, Record<string, unknown>], readonly [string, Record<string, unknown>], boolean][] = [
    ['an outage in other words', ['e', { error: unavailable('refused') }], ['e', { error: unavailable('timed out') }], true],
    ['an outage of two jobs', ['e', { job: 'a', error: unavailable('x') }], ['e', { job: 'b', error: unavailable('x') }], true],
    ['another event', ['e', { error: unavailable('x') }], ['f', { error: unavailable('x') }], false],
    [
      'an outage and a refusal',
      ['e', { error: unavailable('x') }],
      ['e', { error: new ChatError('forbidden', 'not-allowed', 'x') }],
      false,
    ],
    [
      'failures of the store',
      ['e', { error: new StoreFailure('unknown', new Error('x')) }],
      ['e', { error: new StoreFailure('retry', new Error('x')) }],
      false,
    ],
    ['a bug with other numbers', ['e', { error: bug('row 17') }], ['e', { error: bug('row 23') }], true],
    ['two bugs', ['e', { error: bug('a') }], ['e', { error: bug('b') }], false],
  ];
  for (const [name, [event, fields], [event2, fields2], same] of rows) {
    test(`${name}: ${same ? 'yes' : 'no'}`, () => {
      assert.equal(kindOf(event, fields) === kindOf(event2, fields2), same);
    });
  }

  test('never without an error, or when a client was told its id', () => {
    for (const fields of [{}, { reason: 'x' }, { error: 'text' }, { error: bug('x'), errorId: 'id' }])
      assert.equal(kindOf('e', fields), undefined);
  });
});

describe('an error in a line', () => {
  test('that is expected has no stack, at any depth, and its cause where that says more', () => {
    const cause = new StoreFailure('fenced', new Error('the lease is not held'));
    for (const error of [unavailable('away'), cause, new ChatError('conflict', 'server-not-ready', 'no longer', { cause })]) {
      const fields = plainFields({ error, list: [{ error }] });
      assert.doesNotMatch(JSON.stringify(fields), /"stack"/);
      assert.equal((fields['error'] as { message: string }).message, error.message);
    }
    const { error } = plainFields({ error: new ChatError('conflict', 'server-not-ready', 'no longer', { cause }) }) as { error: object };
    assert.deepEqual(error, {
      name: 'ChatError',
      message: 'no longer',
      code: 'conflict',
      reason: 'server-not-ready',
      cause: { name: 'StoreFailure', message: 'the lease is not held' },
    });
  });

  test('that is not keeps it', () => {
    assert.match(JSON.stringify(plainFields({ error: new TypeError('x') })), /"stack":"TypeError: x/);
  });

  test('says when a hand-over is all there is to it', () => {
    const fenced = new StoreFailure('fenced', new Error('x'));
    assert.ok(isNoLongerLeading(fenced) && isNoLongerLeading(new ChatError('conflict', 'server-not-ready', 'x', { cause: fenced })));
    for (const other of [new Error('x'), unavailable('x'), new StoreFailure('retry', new Error('x')), undefined])
      assert.equal(isNoLongerLeading(other), false);
  });
});
