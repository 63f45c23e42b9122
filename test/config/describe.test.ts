/** What `check-config` prints. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { describeConfig } from '../../src/config/config.ts';
import { KEYS } from '../../src/config/keys.ts';
import { CLUSTER_JSON, load, SERVERS, SLAVE } from './support.ts';

describe('check-config', () => {
  test('it prints every key with its value and its origin', t => {
    const lines = describeConfig(
      load(t, { 'main.ini': '\nport = 9000\n' }, { env: { CHAT_LOG_LEVEL: 'debug' }, flags: { listen: '::' } }),
    ).split('\n');
    assert.deepEqual(
      lines.map(line => line.split(' ')[0]),
      Object.keys(KEYS),
    );
    const printed = (key: string): string | undefined => lines.find(line => line.startsWith(`${key} =`))?.replace(/ +/g, ' ');
    assert.deepEqual(['port', 'log_level', 'listen', 'db_name', 'db_host'].map(printed), [
      'port = 9000 (main.ini:2)',
      'log_level = debug (environment)',
      'listen = :: (flag)',
      'db_name = chat (default)',
      'db_host = (default)',
    ]);
  });

  test('the origins stand below each other, but for values that are too long', t => {
    const lines = describeConfig(load(t, {}))
      .split('\n')
      .filter(line => !line.startsWith('upload_types'));
    assert.equal(new Set(lines.map(line => line.lastIndexOf('('))).size, 1);
  });

  test('a node of a cluster shows its place too', t => {
    const text = describeConfig(load(t, { 'main.ini': SERVERS, 'cluster.json': CLUSTER_JSON }, { flags: SLAVE }));
    assert.match(text, /^node_name = chat-slave +\(flag\)\nmultinode_mode = slave +\(flag\)\ncluster_config = cluster\.json +\(flag\)\n/);
  });

  test('secrets are never shown, wherever they come from', t => {
    const loaded = load(
      t,
      { 'main.ini': `${SERVERS}db_password = hunter2\n`, 'cluster.json': CLUSTER_JSON },
      { flags: SLAVE, env: { CHAT_MQ_PASSWORD: 'hunter3' } },
    );
    for (const shown of [describeConfig(loaded), JSON.stringify(loaded)]) assert.doesNotMatch(shown, /hunter/);
    assert.match(describeConfig(loaded), /^db_password = \*\*\* +\(main\.ini:3\)$/m);
    assert.match(describeConfig(loaded), /^mq_password = \*\*\* +\(environment\)$/m);
  });
});
