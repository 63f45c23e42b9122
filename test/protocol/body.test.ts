import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ChatError } from '../../src/domain/error.ts';
import { parseBody, parseForm } from '../../src/protocol/body.ts';
import { isStorable, Parameters } from '../../src/protocol/parameters.ts';

describe('parameters', () => {
  test('a form comes back as it was sent, whatever the text', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ minLength: 1, unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), { maxKeys: 5 }), values => {
        const sent = new URLSearchParams(values).toString();
        assert.deepEqual({ ...parseForm(sent) }, { ...values });
      }),
    );
  });

  test('bytes that are no UTF-8 are refused with the name of the parameter', () => {
    const refused = (run: () => unknown): string | undefined => {
      try {
        run();
        return undefined;
      } catch (error) {
        return error instanceof ChatError ? error.details.argumentName : 'bug';
      }
    };
    assert.equal(
      refused(() => parseForm('a=1&message=%FF')),
      'message',
    );
    assert.equal(
      refused(() => parseBody(Uint8Array.from([0x61, 0x3d, 0xff]), undefined)),
      'body',
    );
    assert.equal(
      refused(() => parseBody(Buffer.from('{'), 'application/json')),
      'body',
    );
  });

  test('booleans of both SDKs are read, other words refused', () => {
    const parameters = new Parameters({ a: 'true', b: '1', c: 'false', d: '0', e: true, f: 'yes' });
    assert.deepEqual(
      ['a', 'b', 'c', 'd', 'e'].map(name => parameters.boolean(name)),
      [true, true, false, false, true],
    );
    assert.throws(() => parameters.boolean('f'), ChatError);
  });

  test('what PostgreSQL cannot store is refused, escaped or not', () => {
    assert.ok(isStorable('Ж💬 \n') && !isStorable('a\u0000') && !isStorable('\ud83d'));
    for (const data of ['{"a":"\\u0000"}', '"\\ud800"', '{"\\u0000":1}'])
      assert.throws(() => new Parameters({ data }).optionalJson('data', 1000), ChatError);
    assert.deepEqual(new Parameters({ data: '{"a":"\\\\u0000"}' }).optionalJson('data', 1000), { a: '\\u0000' });
  });

  test('names of Object.prototype are no parameters', () => {
    assert.equal(new Parameters({}).optionalText('constructor', { max: 10 }), undefined);
    assert.equal(new Parameters(parseForm('__proto__=x')).optionalText('__proto__', { max: 10 }), 'x');
  });
});
