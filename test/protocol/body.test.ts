import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ChatError } from '../../src/domain/error.ts';
import { cutText } from '../../src/domain/text.ts';
import { parseBody, parseForm } from '../../src/protocol/body.ts';
import { safeFilename } from '../../src/protocol/filename.ts';
import { readSignedFields } from '../../src/protocol/signed-fields.ts';
import { Parameters } from '../../src/protocol/parameters.ts';
import { isStorable, storable, storableText } from '../../src/protocol/storable.ts';

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

  /** Units as a client may send them: halves of pairs and NUL too. */
  const anyUnits = fc.string({ unit: fc.constantFrom('a', 'Ж', '💬', '\ud83d', '\udcac', '\u0000', '\\', '"', 'u0000'), maxLength: 12 });

  test('what PostgreSQL cannot store is made storable, escaped or not, in texts and anywhere in JSON; the rest stays as it is', () => {
    fc.assert(
      fc.property(anyUnits, units => {
        const text = new Parameters({ units }).text('units', { max: 100 });
        assert.ok(isStorable(text));
        assert.equal(text, units.replaceAll('\u0000', '').toWellFormed());
        if (isStorable(units)) assert.equal(text, units);
      }),
    );
    fc.assert(
      fc.property(fc.jsonValue(), anyUnits, anyUnits, (any, name, text) => {
        const value = JSON.parse(JSON.stringify(any)) as unknown; // JSON knows no -0
        const said = { value, [name]: [text, { [text]: name }] };
        const clean = JSON.stringify(new Parameters({ data: JSON.stringify(said) }).optionalJson('data', 100_000));
        assert.deepEqual(new Parameters({ data: said }).optionalJson('data', 100_000), JSON.parse(clean));
        assert.ok(!/(?<!\\)(\\\\)*\\u(0000|d[89a-f]..)/.test(clean) && isStorable(clean), clean);
        if (isStorable(name) && isStorable(text)) assert.deepEqual(storable(said), said);
      }),
    );
    assert.equal(storableText('half \ud83d\u0000 and whole 💬'), 'half \ufffd and whole 💬');
  });

  test('what must be exact is refused instead: ids, and who a visitor is', () => {
    for (const id of ['a\u0000', '\ud83d']) {
      assert.throws(() => new Parameters({ id }).id('id'), ChatError);
      assert.throws(() => readSignedFields({ id }, 'fields'), ChatError);
    }
    assert.deepEqual(readSignedFields({ id: '1', display_name: 'Ann \ud83d' }, 'fields'), { id: '1', display_name: 'Ann \ufffd' });
  });

  test('texts are cut by characters, at whatever length', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(20), (given, max) => {
        const text = given.toWellFormed();
        const cut = cutText(text, max);
        assert.ok(cut.isWellFormed() && cut.length <= max && text.startsWith(cut) && (cut === text || cut.length >= max - 1));
        assert.ok(safeFilename(`${'x'.repeat(max + 170)}💬💬💬.${'y'.repeat(max)}💬💬`).isWellFormed());
      }),
    );
  });

  test('names of Object.prototype are no parameters', () => {
    assert.equal(new Parameters({}).optionalText('constructor', { max: 10 }), undefined);
    assert.equal(new Parameters(parseForm('__proto__=x')).optionalText('__proto__', { max: 10 }), 'x');
  });
});
