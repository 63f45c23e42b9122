import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KNOWN_EXTENSIONS } from '../../src/config/value-types.ts';
import { FILE_TYPES } from '../../src/files/types.ts';
import { safeFilename } from '../../src/protocol/filename.ts';

describe('types of files', () => {
  test('main.ini knows exactly those whose content is known', () => {
    assert.deepEqual([...KNOWN_EXTENSIONS].sort(), Object.keys(FILE_TYPES).sort());
  });

  test('a name has no path, no control character, and is never empty or too long', () => {
    const names = {
      'a/b/c.txt': 'c.txt',
      'a\\b.txt': 'b.txt',
      '..': '..',
      '': 'file',
      '\u202Egpj.exe': 'gpj.exe',
      'a"b<c>.png': 'abc.png',
    };
    for (const [given, safe] of Object.entries(names)) assert.equal(safeFilename(given), safe);
    assert.ok(safeFilename(`${'x'.repeat(1_000)}.png`).length <= 200);
    assert.ok(safeFilename('\ud800.png').isWellFormed());
  });
});
