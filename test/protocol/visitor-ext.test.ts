import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ChatError } from '../../src/domain/error.ts';
import { SIGNED_NAMES } from '../../src/protocol/signed-fields.ts';
import { type Signing, verifyVisitorExt } from '../../src/protocol/visitor-ext.ts';
import { FIELDS_KEY_ID, FIELDS_SECRET, type Fields, signFields, signPublished, signText } from '../support/signed-fields.ts';

const OTHER = { id: 'tests-2', secret: 'another secret of the tests, as long' };
const NOW = 1_800_000_000;
const SOON = NOW + 60;
const DAY = 86_400;
const version3: Signing = {
  versions: [3],
  keys: new Map([
    [FIELDS_KEY_ID, FIELDS_SECRET],
    [OTHER.id, OTHER.secret],
  ]),
  published: undefined,
};

/** `accepted`, or why not. */
function outcome(ext: unknown, signing: Signing = version3, nowSeconds = NOW): string {
  try {
    verifyVisitorExt(ext, signing, nowSeconds);
    return 'accepted';
  } catch (error) {
    assert.ok(error instanceof ChatError, String(error));
    return error.reason;
  }
}

const WRONG_HASH = 'wrong-provided-visitor-hash-value';
const WRONG_EXPIRES = 'wrong-provided-visitor-expires-value';
const ANNA = { id: '1001', display_name: '42' };

const value = fc.string({ unit: 'grapheme', maxLength: 40 }).filter(text => text.isWellFormed() && !text.includes('\u0000'));
const fieldsOf = fc
  .record({
    id: value.filter(text => text !== ''),
    more: fc.dictionary(fc.constantFrom(...SIGNED_NAMES.filter(name => name !== 'id')), value, { maxKeys: 5 }),
  })
  .map(({ id, more }): Fields => ({ ...more, id }));

describe('signed visitor fields, version 3', () => {
  test('whatever is signed comes out as it was', () => {
    fc.assert(
      fc.property(fieldsOf, fc.integer({ min: NOW + 1, max: NOW + 30 * DAY }), (fields, expires) => {
        assert.deepEqual({ ...verifyVisitorExt(signFields(fields, { expires }), version3, NOW) }, fields);
      }),
    );
  });

  test('values that are re-cut, renamed or moved are refused: the text is another one', () => {
    fc.assert(
      fc.property(fieldsOf, fieldsOf, (fields, others) => {
        fc.pre(JSON.stringify(fields) !== JSON.stringify(others));
        const { hash } = signFields(fields, { expires: SOON });
        assert.equal(outcome({ ...signFields(others, { expires: SOON }), hash }), WRONG_HASH);
        assert.equal(outcome({ ...signFields(fields, { expires: SOON + 1 }), hash }), WRONG_HASH, 'another expiry');
      }),
    );
    const { hash } = signFields(ANNA, { expires: SOON });
    for (const recut of [{ id: '42', login: '1001' }, { id: '421001' }, { id: '1001', login: '42' }, { id: '42', display_name: '1001' }])
      assert.equal(outcome({ ...signFields(recut, { expires: SOON }), hash }), WRONG_HASH, JSON.stringify(recut));
  });

  test('a byte more, less or another is refused, in the text as in the signature', () => {
    const right = signFields(ANNA, { expires: SOON });
    fc.assert(
      fc.property(fc.constantFrom('signed', 'hash'), fc.nat(), fc.string({ minLength: 1, maxLength: 1 }), (where, at, other) => {
        const text = right[where];
        const i = at % text.length;
        const changed = [
          text.slice(0, i) + text.slice(i + 1),
          text.slice(0, i) + other + text.slice(i),
          text.slice(0, i) + other + text.slice(i + 1),
        ];
        for (const altered of changed.filter(one => one.toLowerCase() !== text.toLowerCase()))
          assert.notEqual(outcome({ ...right, [where]: altered }), 'accepted', altered);
      }),
    );
    assert.equal(outcome({ ...right, hash: right.hash.toUpperCase() }), 'accepted', 'only upper or lower case is the same');
  });

  test('nothing beside the signed text counts', () => {
    fc.assert(
      fc.property(
        fieldsOf,
        fc.dictionary(fc.constantFrom('id', 'fields', 'expires', 'crc', 'login', 'x'), fc.jsonValue()),
        (fields, beside) => {
          const ext = { ...beside, ...signText(JSON.stringify({ fields, expires: SOON })) };
          assert.deepEqual({ ...verifyVisitorExt(ext, version3, NOW) }, fields);
        },
      ),
    );
    assert.equal(outcome({ ...signFields(ANNA, { expires: NOW - 1 }), expires: SOON }), 'provided-visitor-expired');
  });

  test('each key signs for itself, by its name', () => {
    assert.equal(outcome(signFields(ANNA, { expires: SOON, key: OTHER.id, secret: OTHER.secret })), 'accepted');
    const swapped: object[] = [
      signFields(ANNA, { expires: SOON, key: OTHER.id }),
      signFields(ANNA, { expires: SOON, secret: OTHER.secret }),
      signFields(ANNA, { expires: SOON, key: 'gone' }),
      signFields(ANNA, { expires: SOON, key: 'constructor' }),
    ];
    for (const ext of swapped) assert.equal(outcome(ext), WRONG_HASH, JSON.stringify(ext));
  });

  test('an expiry must be there, be a number, and be at most 30 days ahead', () => {
    const cases: [unknown, string][] = [
      [NOW + 1, 'accepted'],
      [NOW + 30 * DAY, 'accepted'],
      [NOW, 'provided-visitor-expired'],
      [NOW - 1, 'provided-visitor-expired'],
      [0, 'provided-visitor-expired'],
      [NOW + 31 * DAY, WRONG_EXPIRES],
      [Number.MAX_SAFE_INTEGER, WRONG_EXPIRES],
      [1e300, WRONG_EXPIRES],
      [NOW + 1.5, WRONG_EXPIRES],
      [String(SOON), WRONG_EXPIRES],
      [null, WRONG_EXPIRES],
      [[SOON], WRONG_EXPIRES],
    ];
    for (const [expires, wanted] of cases)
      assert.equal(outcome(signText(JSON.stringify({ fields: ANNA, expires }))), wanted, String(expires));
    assert.equal(outcome(signText(JSON.stringify({ fields: ANNA }))), WRONG_EXPIRES);
  });

  test('what is signed and not of the right form is refused all the same', () => {
    const wrong: string[] = [
      '',
      '[]',
      'null',
      '"text"',
      '{',
      JSON.stringify({ fields: [], expires: SOON }),
      JSON.stringify({ fields: null, expires: SOON }),
      JSON.stringify({ fields: {}, expires: SOON }),
      JSON.stringify({ fields: { id: '' }, expires: SOON }),
      JSON.stringify({ fields: { id: 42 }, expires: SOON }),
      JSON.stringify({ fields: { ...ANNA, role: 'admin' }, expires: SOON }),
      `{"fields": {"id": "1", "__proto__": {"login": "x"}}, "expires": ${SOON}}`,
      JSON.stringify({ fields: { ...ANNA, comment: 'x'.repeat(1_001) }, expires: SOON }),
      JSON.stringify({ fields: { id: 'a\u0000' }, expires: SOON }),
      JSON.stringify({ fields: ANNA, expires: SOON, more: 1 }),
      `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
    ];
    for (const text of wrong) assert.equal(outcome(signText(text)), 'wrong-argument-value', text.slice(0, 100));
    for (const ext of [undefined, null, 1, 'x', [signFields(ANNA, { expires: SOON })]]) assert.equal(outcome(ext), 'wrong-argument-value');
    for (const part of ['key', 'signed']) assert.equal(outcome({ ...signFields(ANNA), [part]: 1 }), 'wrong-argument-value');
    // Both are hashed as the same bytes.
    const replaced = signText(JSON.stringify({ fields: { id: '\ufffd' }, expires: SOON }));
    assert.equal(outcome({ ...replaced, signed: replaced.signed.replace('\ufffd', '\ud800') }), 'wrong-argument-value');
  });
});

describe('signed visitor fields, versions 1 and 2', () => {
  const key = 'e64e35642555f3ecd64ae7dbb600dca8';
  const fields = { id: '12345', display_name: 'Евгений', phone: '+78123855337', email: 'abc@webim.ru' };
  const expires = 1481195621;
  const HMAC = '07ef16b821f9552a8b3118416ed9ed6278d3a8ff93751d157c88edc1895cd86f';
  const named = (hash: 'hmac-sha256' | 'sha256' | 'sha512' = 'hmac-sha256'): Signing => ({
    ...version3,
    versions: [1, 2, 3],
    published: { key, hash },
  });
  const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
  const version1 = (flat: Fields) => ({
    ...flat,
    crc: md5(
      Object.keys(flat)
        .sort()
        .map(name => flat[name])
        .join('') + key,
    ),
  });

  test('the published example is right, in lower and upper case', () => {
    for (const hash of [HMAC, HMAC.toUpperCase()])
      assert.deepEqual(verifyVisitorExt({ fields, expires, hash }, named(), expires - 1), fields);
  });

  test('SHA-256 and SHA-512 of the text and the key behind it begin as published', () => {
    const text = `Евгенийabc@webim.ru12345+78123855337${expires}`;
    const [sha256, sha512] = ['sha256', 'sha512'].map(name =>
      createHash(name)
        .update(text + key)
        .digest('hex'),
    );
    assert.match(sha256 ?? '', /^f8592872/);
    assert.match(sha512 ?? '', /^4ea919da/);
    assert.deepEqual(verifyVisitorExt({ fields, expires, hash: sha256 }, named('sha256'), 0), fields);
    assert.deepEqual(verifyVisitorExt({ fields, expires, hash: sha512 }, named('sha512'), 0), fields);
    assert.throws(() => verifyVisitorExt({ fields, expires, hash: sha256 }, named(), 0), /signature is wrong/);
  });

  test('version 1 signs flat fields by md5', () => {
    assert.deepEqual(verifyVisitorExt(version1(fields), named(), 0), fields);
    assert.throws(() => verifyVisitorExt({ ...version1(fields), id: '1' }, named(), 0), /signature is wrong/);
  });

  test('a version that is not named is refused, however rightly it is signed', () => {
    fc.assert(
      fc.property(fieldsOf, some => {
        const [one, two, three] = [version1(some), signPublished(some, { key, expires: SOON }), signFields(some, { expires: SOON })];
        for (const versions of [[1], [2], [3], [1, 2], [2, 3], [1, 3]] as const) {
          const signing = { ...named(), versions };
          assert.equal(outcome(one, signing), (versions as readonly number[]).includes(1) ? 'accepted' : WRONG_HASH);
          assert.equal(outcome(two, signing), (versions as readonly number[]).includes(2) ? 'accepted' : WRONG_HASH);
          assert.equal(outcome(three, signing), (versions as readonly number[]).includes(3) ? 'accepted' : WRONG_HASH);
        }
        for (const ext of [one, two, { ...two, v: 3 }, { ...one, v: 3 }]) assert.notEqual(outcome(ext), 'accepted', 'version 3 alone');
      }),
    );
  });

  test('a text that a visitor has chosen in version 2 is no version 3: the keys differ', () => {
    // What the site signs: the display name stands first and the id ends it, so that a visitor can complete a JSON text.
    const chosen = { display_name: '{"fields":{"id":"4711"},"expires":', id: '' };
    const { hash } = signPublished(chosen, { key, expires: `${SOON}}` });
    const text = `${chosen.display_name}${SOON}}`;
    assert.equal(createHmac('sha256', key).update(text).digest('hex'), hash, 'the signature is of a whole JSON text');
    for (const keyId of [FIELDS_KEY_ID, OTHER.id, '']) assert.equal(outcome({ v: 3, key: keyId, signed: text, hash }, named()), WRONG_HASH);
  });

  test('names that are not known are refused, and an id must be there', () => {
    const odd = { id: '1', role: 'admin' };
    const nobody = { display_name: 'x' };
    for (const some of [odd, nobody]) {
      assert.equal(outcome(version1(some), named()), 'wrong-argument-value');
      assert.equal(outcome(signPublished(some, { key, expires: SOON }), named()), 'wrong-argument-value');
    }
    assert.equal(outcome(signPublished({ id: 12345678901234567890 as unknown as string }, { key }), named()), 'wrong-argument-value');
  });

  test('an expiry of other than ten digits is refused', () => {
    const cases: [number | string, string][] = [
      [SOON, 'accepted'],
      [String(SOON), 'accepted'],
      [NOW - 1, 'provided-visitor-expired'],
      [`1${SOON}`, WRONG_EXPIRES],
      [99_999_999_999, WRONG_EXPIRES],
      [999, WRONG_EXPIRES],
      [`${SOON}.5`, WRONG_EXPIRES],
      ['never', WRONG_EXPIRES],
      [`-${SOON}`, WRONG_EXPIRES],
    ];
    for (const [at, wanted] of cases) assert.equal(outcome(signPublished(fields, { key, expires: at }), named()), wanted, String(at));
  });

  test('expired or without a key set: refused with a word of its own', () => {
    assert.equal(outcome({ fields, expires, hash: HMAC }, named(), expires + 1), 'provided-visitor-expired');
    assert.equal(outcome({ fields, expires, hash: HMAC }, { ...named(), published: undefined }, 0), WRONG_HASH);
    assert.equal(outcome({ fields, hash: HMAC }, named(), 0), WRONG_HASH);
  });
});
