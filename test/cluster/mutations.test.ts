/** The test of the test: with one case of apply broken, or one of persist, replicas.test.ts must fail. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

const ROOT = path.resolve(import.meta.dirname, '../..');
const COMMANDS = '1500';

describe('replicas.test.ts in a copy of the project', () => {
  let copy: string;

  before(() => {
    copy = mkdtempSync(path.join(tmpdir(), 'tandem-mutation-'));
    for (const name of ['src', 'test', 'package.json', 'tsconfig.json'])
      cpSync(path.join(ROOT, name), path.join(copy, name), { recursive: true });
    symlinkSync(path.join(ROOT, 'node_modules'), path.join(copy, 'node_modules'));
  });

  after(() => rmSync(copy, { recursive: true, force: true }));

  test('passes as it is', async () => assert.equal(await run(copy), 0));

  test('fails when a case of apply is broken', async () => {
    await withChange('src/domain/state.ts', 'chat.unreadByVisitorMsgCnt = 0;', '');
  });

  test('fails when a case of persist is broken', async () => {
    await withChange(
      'src/postgres/tables.ts',
      'before[property] !== after[property]',
      "before[property] !== after[property] && property !== 'messageCount'",
    );
  });

  test('fails when a batch is stored although a row it was decided on has changed', async () => {
    await withChange('src/postgres/tables.ts', '.version = u.version_was', '.version >= u.version_was');
  });

  async function withChange(file: string, from: string, to: string): Promise<void> {
    const at = path.join(copy, file);
    const text = readFileSync(at, 'utf8');
    assert.ok(text.includes(from), `${file} holds what is to be broken`);
    writeFileSync(at, text.replace(from, to));
    try {
      assert.notEqual(await run(copy), 0);
    } finally {
      writeFileSync(at, text);
    }
  }
});

/** The exit code of the copy's test. */
function run(copy: string): Promise<number> {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return new Promise(resolve => {
    execFile(
      process.execPath,
      ['--import', 'tsx', '--test', 'test/cluster/replicas.test.ts'],
      { cwd: copy, env: { ...env, COMMANDS }, timeout: 120_000 },
      error => resolve(error === null ? 0 : 1),
    );
  });
}
