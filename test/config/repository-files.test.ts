/** The files that are shipped: main.ini against the table of keys, main.ini.d, cluster.json. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { loadConfig } from '../../src/config/config.ts';
import { type Key, KEYS } from '../../src/config/keys.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const LINES = readFileSync(path.join(ROOT, 'main.ini'), 'utf8').split('\n');
describe('main.ini in the repository', () => {
  const entries = LINES.flatMap((line, i) => {
    const found = /^;([a-z_]+) =(?: (.*))?$/.exec(line);
    return found === null ? [] : [{ key: found[1]!, value: found[2] ?? '', above: LINES[i - 1] ?? '' }];
  });

  test('it names every key once, and nothing else', () => {
    assert.deepEqual(entries.map(({ key }) => key).sort(), Object.keys(KEYS).sort());
  });

  for (const [name, key] of Object.entries<Key>(KEYS)) {
    test(`it shows ${name} with its default and a line of explanation`, () => {
      const entry = entries.find(candidate => candidate.key === name);
      assert.equal(entry?.value, key.default);
      assert.match(entry.above, /^; [\w<]/);
    });

    test(`the default of ${name} is a right value`, () => {
      assert.ok(key.default === '' || key.type.safeParse(key.default).success);
    });
  }

  test('everything in it is commented out', () => {
    assert.deepEqual(
      LINES.filter(line => !/^(;.*)?$/.test(line)),
      [],
    );
  });
});

describe('the shipped files together', () => {
  const load = (flags: Parameters<typeof loadConfig>[0]['flags'], env: Readonly<Record<string, string>> = {}) =>
    loadConfig({ flags, env, cwd: ROOT });

  test('a single node starts from them with nothing but defaults', () => {
    const { config, origins } = load({});
    assert.equal(config.mode, 'single');
    assert.deepEqual(
      origins.filter(({ origin }) => origin !== 'default').map(({ key, value, origin }) => `${key}=${value} ${origin}`),
      ['mq_node_id_prefix=chat main.ini.d/webim_mq.ini:2'],
    );
  });

  for (const [node_name, multinode_mode] of [
    ['chat-master', 'master'],
    ['chat-slave', 'slave'],
  ] as const) {
    test(`${node_name} starts from them when it knows its servers`, () => {
      const { config } = load({ node_name, multinode_mode, cluster_config: 'cluster.json' }, { CHAT_DB_HOST: 'db', CHAT_MQ_HOST: 'mq' });
      assert.equal(config.mode, multinode_mode);
      assert.deepEqual(config.cluster?.nodeNames, ['chat-master', 'chat-slave']);
      assert.equal(config.mq?.nodeIdPrefix, 'chat');
    });
  }
});
