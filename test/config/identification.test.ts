/** Keys and versions of signed visitor fields: what does not fit is refused, what is risky is said, secrets are never shown. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { describeConfig } from '../../src/config/config.ts';
import { planReload } from '../../src/node/reload.ts';
import { faultsOf, load } from './support.ts';

const [A, B, SHORT] = ['a'.repeat(32), 'b'.repeat(32), 'c'.repeat(31)];

describe('keys of signed visitor fields', () => {
  const cases: [string, string, string[]][] = [
    [
      'a key of versions 1 and 2 without these',
      `visitor_fields_key = ${A}`,
      ['visitor_fields_key signs versions 1 and 2, and visitor_fields_versions names neither'],
    ],
    ['a version without its key', 'visitor_fields_versions = 2, 3', ['visitor_fields_key is missing']],
    ['version 1 without its key', 'visitor_fields_versions = 1', ['visitor_fields_key is missing']],
    [
      'keys of version 3 without it',
      `visitor_fields_versions = 2\nvisitor_fields_key = ${A}\nvisitor_fields_keys = x:${B}`,
      ['visitor_fields_keys signs version 3, and visitor_fields_versions does not name it'],
    ],
    [
      'one secret for both',
      `visitor_fields_versions = 2, 3\nvisitor_fields_key = ${A}\nvisitor_fields_keys = x:${B}, y:${A}`,
      ['visitor_fields_keys: the secret of y must be another one than visitor_fields_key'],
    ],
    ['an unknown version', 'visitor_fields_versions = 3, 4', ["main.ini:1: visitor_fields_versions: '4' must be 1, 2 or 3"]],
    ['no version', 'visitor_fields_versions = ,', ["main.ini:1: visitor_fields_versions: ',' must name at least one version"]],
    [
      'a short secret',
      `visitor_fields_keys = x:${SHORT}`,
      ['main.ini:1: visitor_fields_keys: its value must have secrets of at least 32 characters; that of x is shorter'],
    ],
    [
      'an id twice',
      `visitor_fields_keys = x:${A}, x:${B}`,
      ['main.ini:1: visitor_fields_keys: its value must have different ids; x stands there twice'],
    ],
    [
      'a secret without an id',
      `visitor_fields_keys = x:${A}, ${B}`,
      ['main.ini:1: visitor_fields_keys: its value must be <id>:<secret>, several separated by commas; entry 2 is not'],
    ],
    [
      'an id with a blank',
      `visitor_fields_keys = x y:${A}`,
      ['main.ini:1: visitor_fields_keys: its value must be <id>:<secret>, several separated by commas; entry 1 is not'],
    ],
    [
      'a short key of versions 1 and 2',
      `visitor_fields_versions = 2\nvisitor_fields_key = ${SHORT}`,
      ['main.ini:2: visitor_fields_key: its value must have at least 32 characters'],
    ],
    ['a short key of the backend', `backend_key = ${SHORT}`, ['main.ini:1: backend_key: its value must have at least 32 characters']],
  ];
  for (const [name, ini, sentences] of cases)
    test(`${name}: a fault, which does not show it`, t => {
      const faults = faultsOf(t, { 'main.ini': `${ini}\n` });
      assert.equal(faults.length, sentences.length, faults.join('\n'));
      for (const [i, sentence] of sentences.entries()) assert.ok(faults[i]?.startsWith(sentence), faults[i]);
      for (const secret of [A, B, SHORT]) assert.ok(!faults.join('\n').includes(secret.slice(0, 8)), faults.join('\n'));
    });

  test('several keys, for when they change', t => {
    const { config } = load(t, { 'main.ini': `visitor_fields_keys = old:${A}, new:${B}:with:colons\n` });
    const keys = config.identification.fieldsKeys.map(({ id, secret }) => [id, secret.reveal()]);
    assert.deepEqual(keys, [
      ['old', A],
      ['new', `${B}:with:colons`],
    ]);
  });

  test('without any key signed fields are refused, and nothing is to be said', t => {
    const loaded = load(t, {});
    assert.deepEqual([loaded.config.identification.fieldsVersions, loaded.warnings], [[3], []]);
  });

  test('versions 1 and 2 are warned of, one by one', t => {
    const ini = `visitor_fields_versions = 1, 2, 3\nvisitor_fields_key = ${A}\nvisitor_fields_keys = x:${B}\n`;
    const loaded = load(t, { 'main.ini': ini });
    assert.equal(loaded.warnings.length, 2);
    assert.match(loaded.warnings[0] ?? '', /version 1 .*MD5, and never expires/);
    assert.match(loaded.warnings[1] ?? '', /version 2 .*another visitor/);
    const shown = describeConfig(loaded);
    for (const warning of loaded.warnings) assert.ok(shown.includes(`\nwarning: ${warning}`), shown);
    for (const secret of [A, B]) assert.ok(!`${shown}${JSON.stringify(loaded)}`.includes(secret));
    const only2 = load(t, { 'main.ini': ini.replace('1, 2, 3', '2, 3') });
    assert.deepEqual(only2.warnings, loaded.warnings.slice(1));
  });

  test('a changed key needs a restart, and is named', t => {
    const [one, two] = [A, B].map(secret => load(t, { 'main.ini': `visitor_fields_keys = x:${secret}\n` }));
    assert.deepEqual(planReload(one!, one!, two!).needRestart, ['visitor_fields_keys']);
  });
});
