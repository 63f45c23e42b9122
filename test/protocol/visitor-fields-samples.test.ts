/** The samples of docs/visitor-fields.md, run as they stand there: what they sign is accepted. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { verifyVisitorExt } from '../../src/protocol/visitor-ext.ts';
import { FIELDS_SECRET } from '../support/signed-fields.ts';

const PAGE = readFileSync(path.resolve(import.meta.dirname, '../../docs/visitor-fields.md'), 'utf8');
const RUN: Readonly<Record<string, readonly string[]>> = {
  'sign.mjs': [process.execPath, 'sign.mjs'],
  'sign.py': ['python3', 'sign.py'],
  'Sign.java': ['java', '-Dfile.encoding=UTF-8', 'Sign.java'],
  'sign.pl': ['perl', 'sign.pl'],
  'sign.php': ['php', 'sign.php'],
};
/** The page says so; Java comes with few systems either. */
const WHERE_INSTALLED = ['sign.php', 'Sign.java'];
const isInstalled = (program: string): boolean => spawnSync(program, ['--version']).error === undefined;

const samples = [...PAGE.matchAll(/<!-- sample: (\S+) -->\n```\w+\n(.*?)```\n/gs)].map(([, name = '', code = '']) => ({ name, code }));

test('the page has a sample for each language that is run here', () => {
  assert.deepEqual(samples.map(({ name }) => name).sort(), Object.keys(RUN).sort());
});

for (const { name, code } of samples) {
  const [program = '', ...args] = RUN[name] ?? [];
  if (WHERE_INSTALLED.includes(name) && !isInstalled(program)) continue;
  test(`what ${name} of the documentation signs is accepted`, t => {
    const folder = mkdtempSync(path.join(tmpdir(), 'tandem-sample-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(path.join(folder, name), code);
    const { stdout, stderr, status } = spawnSync(program, args, {
      cwd: folder,
      encoding: 'utf8',
      timeout: 120_000,
      env: { ...process.env, VISITOR_FIELDS_SECRET: FIELDS_SECRET },
    });
    assert.equal(status, 0, stderr);
    const ext = JSON.parse(stdout) as { id: string };
    const signing = { versions: [3], keys: new Map([['site-1', FIELDS_SECRET]]), published: undefined } as const;
    const nowSeconds = Math.floor(Date.now() / 1_000);
    assert.deepEqual(verifyVisitorExt(ext, signing, nowSeconds), { id: '42', display_name: 'Zoë "Z" Müller 你好 😀' });
    assert.equal(ext.id, '42', 'which the mobile SDKs look for');
    assert.throws(() => verifyVisitorExt(ext, signing, nowSeconds + 4_000), /expired/);
  });
}
