/** Names of files as they are stored and shown. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { safeFilename } from '../../src/protocol/filename.ts';

test('a name that is too long is cut between characters, and keeps its extension', () => {
  assert.equal(safeFilename(`a${'👍'.repeat(100)}.txt`), `a${'👍'.repeat(89)}.txt`);
  assert.equal(safeFilename(`a.${'👍'.repeat(30)}`), `a.${'👍'.repeat(9)}`);
});

test('a path, controls and marks of direction are no part of it', () => {
  assert.equal(safeFilename('C:\\Users\\me\\..\\bill\u202egpj.txt'), 'billgpj.txt');
  assert.equal(safeFilename('\u0000<>/'), 'file');
});
