import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { type Signing, verifyVisitorExt } from '../../src/protocol/visitor-ext.ts';

const key = 'e64e35642555f3ecd64ae7dbb600dca8';
const fields = { id: '12345', display_name: 'Евгений', phone: '+78123855337', email: 'abc@webim.ru' };
const expires = 1481195621;
const HMAC = '07ef16b821f9552a8b3118416ed9ed6278d3a8ff93751d157c88edc1895cd86f';
const signing: Signing = { key, hash: 'hmac-sha256' };

describe('signed visitor fields', () => {
  test('the published example is right, in lower and upper case', () => {
    for (const hash of [HMAC, HMAC.toUpperCase()])
      assert.deepEqual(verifyVisitorExt({ fields, expires, hash }, signing, expires - 1), fields);
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
    assert.deepEqual(verifyVisitorExt({ fields, expires, hash: sha256 }, { key, hash: 'sha256' }, 0), fields);
    assert.deepEqual(verifyVisitorExt({ fields, expires, hash: sha512 }, { key, hash: 'sha512' }, 0), fields);
    assert.throws(() => verifyVisitorExt({ fields, expires, hash: sha256 }, signing, 0), /signature is wrong/);
  });

  test('version 1 signs flat fields by md5', () => {
    const crc = createHash('md5').update(`Евгенийabc@webim.ru12345+78123855337${key}`).digest('hex');
    assert.deepEqual(verifyVisitorExt({ ...fields, crc }, signing, 0), fields);
    assert.throws(() => verifyVisitorExt({ ...fields, id: '1', crc }, signing, 0), /signature is wrong/);
  });

  test('only known fields are kept, and an id must be among them', () => {
    const crc = (flat: Record<string, string>): string =>
      createHash('md5')
        .update(
          Object.keys(flat)
            .sort()
            .map(name => flat[name])
            .join('') + key,
        )
        .digest('hex');
    const odd = { id: '1', role: 'admin', comment: 'x' };
    assert.deepEqual(verifyVisitorExt({ ...odd, crc: crc(odd) }, signing, 0), { id: '1', comment: 'x' });
    const nobody = { display_name: 'x' };
    assert.throws(() => verifyVisitorExt({ ...nobody, crc: crc(nobody) }, signing, 0), /id is missing/);
  });

  test('expired, with an odd expiry, or without a key set: refused with a word of its own', () => {
    const reasonOf = (run: () => unknown): string => {
      try {
        run();
        return 'accepted';
      } catch (error) {
        return (error as { reason: string }).reason;
      }
    };
    assert.equal(
      reasonOf(() => verifyVisitorExt({ fields, expires, hash: HMAC }, signing, expires + 1)),
      'provided-visitor-expired',
    );
    assert.equal(
      reasonOf(() => verifyVisitorExt({ fields, expires, hash: HMAC }, undefined, 0)),
      'wrong-provided-visitor-hash-value',
    );
    assert.equal(
      reasonOf(() => verifyVisitorExt({ fields, hash: HMAC }, signing, 0)),
      'wrong-provided-visitor-hash-value',
    );
  });
});
