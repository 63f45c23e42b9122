/** What the widget takes for its own of what a browser has kept. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isFlag, isIdentity, isListOfUnsent, isPrechat, isText } from '../../src/web/widget/forms.ts';

const unsent = { id: 'a', action: 'chat.message', parameters: { message: 'hello' }, text: 'hello', ts: 1 };
const quote = { id: 'm', kind: 'operator', text: 'hi', name: 'Ann' };

const OWN: readonly (readonly [name: string, is: (value: unknown) => boolean, own: readonly unknown[], notOwn: readonly unknown[]])[] = [
  ['open and muted', isFlag, [true, false], [0, 'true', []]],
  ['a draft', isText, ['', 'half a senten'], ['x'.repeat(20_001), 5, ['a']]],
  [
    'a visitor',
    isIdentity,
    [{ visitor: { id: 'a', fields: {}, secret: 's' }, visitSessionId: 'b' }],
    [
      { visitor: { id: 'a' } },
      { visitor: null, visitSessionId: 'b' },
      { visitor: { id: 'a', fields: 'x'.repeat(10_000) }, visitSessionId: 'b' },
    ],
  ],
  [
    'what is unsent',
    isListOfUnsent,
    [[], [unsent], [{ ...unsent, quote, failure: 'message_empty' }], [{ id: 'a', action: 'chat.start', parameters: {}, ts: 1 }]],
    [{}, [null], [{ ...unsent, parameters: { message: 5 } }], [{ ...unsent, text: {} }], [unsent, { ...unsent, quote: 'hi' }]],
  ],
  [
    'what was answered before the first message',
    isPrechat,
    [
      { fields: {}, isTold: false },
      { fields: { name: 'Ann' }, department: 'sales', isTold: true },
    ],
    [{ fields: { name: 5 }, isTold: true }, { fields: { other: 'x' }, isTold: true }, { fields: [], isTold: true }, { fields: {} }],
  ],
];

describe('what the browser has kept', () => {
  for (const [name, is, own, notOwn] of OWN)
    test(`${name}: is known by its form`, () => {
      for (const value of own) assert.ok(is(value), JSON.stringify(value));
      for (const value of [...notOwn, null, undefined, 5.5, { a: 1 }]) assert.ok(!is(value), JSON.stringify(value));
    });

  test('is asked without an error, whatever it is', () => {
    fc.assert(
      fc.property(fc.anything(), value => {
        for (const [, is] of OWN) assert.equal(typeof is(value), 'boolean');
      }),
    );
  });
});
