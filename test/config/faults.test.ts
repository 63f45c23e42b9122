/** What a wrong configuration is answered with: the exact sentence of each fault, and all of them at once. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { loadConfig } from '../../src/config/config.ts';
import { CLUSTER_JSON, errorOf, faultsOf, folderWith, load, SERVERS, SLAVE } from './support.ts';

describe('faults of main.ini', () => {
  const cases: readonly (readonly [string, string, string | readonly string[]])[] = [
    ['an unknown key is told with the nearest right one', 'mq_hots = x', "main.ini:1: unknown key 'mq_hots', did you mean 'mq_host'?"],
    ...['root_path', 'context_path', 'base_url', 'url_prefix'].map(
      key =>
        [`a sub-path under another name: ${key}`, `${key} = /chat`, `main.ini:1: unknown key '${key}', did you mean 'base_path'?`] as const,
    ),
    ...['chat', 'https://www.example.org/chat', '/a b', '//chat', '/../chat', '/chat?x=1', `/${'x'.repeat(100)}`].map(
      value =>
        [
          `a sub-path that is none: ${value.slice(0, 30)}`,
          `base_path = ${value}`,
          `main.ini:1: base_path: '${value}' must be a path such as /chat, of letters, digits, -, _, . and ~, at most 100`,
        ] as const,
    ),
    ['capitals are no key', 'PORT = 1', "main.ini:1: unknown key 'PORT', did you mean 'port'?"],
    ['an unknown key that is like no other is told alone', 'colour = red', "main.ini:1: unknown key 'colour'"],
    ['a key of JavaScript objects is an unknown key', '__proto__ = 1', "main.ini:1: unknown key '__proto__'"],
    ['a line without = is a fault and is not quoted', '\nmq_password hunter2', "main.ini:2: no '=' in this line, write key = value"],
    ['a line without a key is a fault', '= hunter2', "main.ini:1: no key before '=', write key = value"],
    ['a word for a number', 'port = http', "main.ini:1: port: 'http' must be an integer from 0 to 65535"],
    ['a fraction', 'poll_hold_seconds = 2.5', "main.ini:1: poll_hold_seconds: '2.5' must be an integer from 1 to 40"],
    ['a number out of range', 'poll_hold_seconds = 44', "main.ini:1: poll_hold_seconds: '44' must be an integer from 1 to 40"],
    [
      'a range has a unit where the key has none',
      'max_message_length = 0',
      "main.ini:1: max_message_length: '0' must be an integer from 1 to 100000 characters",
    ],
    ['an empty value of a key that needs one', 'mq_username =', "main.ini:1: mq_username: '' must not be empty"],
    [
      'a word that is not one of the allowed',
      'log_level = verbose',
      "main.ini:1: log_level: 'verbose' must be one of error, warn, info, debug",
    ],
    ['a wrong secret is not shown', "mq_password = ''", 'main.ini:1: mq_password: its value must not be empty'],
    [
      'a prefix with a blank',
      'mq_node_id_prefix = my chat',
      "main.ini:1: mq_node_id_prefix: 'my chat' must be letters, digits, _ . or -, at most 100",
    ],
    ['a host with a wrong port', 'db_host = a, b:99999', "main.ini:1: db_host: 'b:99999' must be host or host:port"],
    ['an address with a password for a host', 'mq_host = amqp://u:hunter2@mq', "main.ini:1: mq_host: '***@mq' must be host or host:port"],
    ['a list of hosts without any', 'db_host = ,', "main.ini:1: db_host: ',' must name at least one host"],
    [
      'a status without a sort',
      'operator_statuses = lunch',
      "main.ini:1: operator_statuses: 'lunch' must be name:sort:title, where sort is takes, none or offline",
    ],
    [
      'a status that is built in',
      'operator_statuses = break:none:Break',
      "main.ini:1: operator_statuses: 'break' is built in and cannot be defined again",
    ],
    ['a status defined twice', 'operator_statuses = a:none, a:takes', "main.ini:1: operator_statuses: 'a' is defined twice"],
    [
      'an origin without scheme and one with a path',
      'allowed_origins = desk.example.org, https://a.org/desk',
      [
        "main.ini:1: allowed_origins: 'desk.example.org' must be an origin such as https://desk.example.org",
        "main.ini:1: allowed_origins: 'https://a.org/desk' must be an origin such as https://desk.example.org",
      ],
    ],
    [
      'a proxy that is no address',
      'trusted_proxies = nginx, 10.0.0.0/33',
      ['nginx', '10.0.0.0/33'].map(
        entry =>
          `main.ini:1: trusted_proxies: '${entry}' must be an address, a range such as 10.0.0.0/8, or loopback, linklocal, uniquelocal`,
      ),
    ],
  ];
  for (const [name, ini, expected] of cases) {
    test(name, t => assert.deepEqual(faultsOf(t, { 'main.ini': ini }), typeof expected === 'string' ? [expected] : expected));
  }

  test('all faults of all files are told at once, each with its place', t => {
    const error = errorOf(() =>
      load(
        t,
        { 'main.ini': 'port = x\n\nmq_hots = y\n', 'main.ini.d/a.ini': 'ring_megabytes = 0\n' },
        { env: { CHAT_DB_PORT: '70000' }, flags: { log_level: 'loud', node_name: 'a' } },
      ),
    );
    assert.deepEqual(error.message.split('\n'), [
      "main.ini:3: unknown key 'mq_hots', did you mean 'mq_host'?",
      "main.ini:1: port: 'x' must be an integer from 0 to 65535",
      "log_level (--log_level): 'loud' must be one of error, warn, info, debug",
      "db_port (CHAT_DB_PORT): '70000' must be an integer from 1 to 65535",
      "main.ini.d/a.ini:1: ring_megabytes: '0' must be an integer from 1 to 4096",
      '--cluster_config is missing: node_name, cluster_config and multinode_mode are given together',
      '--multinode_mode is missing: node_name, cluster_config and multinode_mode are given together',
      'db_host is missing: in a cluster all nodes share one PostgreSQL, set db_host in main.ini',
    ]);
    assert.deepEqual(error.faults[0], { file: 'main.ini', line: 3, message: "unknown key 'mq_hots', did you mean 'mq_host'?" });
    assert.deepEqual([error.faults[2]?.file, error.faults[2]?.line], [undefined, undefined]);
  });

  test('a wrong value that a later line replaces is no fault', t => {
    assert.equal(load(t, { 'main.ini': 'port = x\n', 'main.ini.d/a.ini': 'port = 1\n' }).config.node.port, 1);
  });

  test('a main.ini that --config names must exist', t => {
    assert.deepEqual(faultsOf(t, {}, { configFile: 'etc/main.ini' }), ['--config names etc/main.ini, which does not exist']);
  });

  test('folders and files that have changed places are told', t => {
    const cwd = folderWith(t, { 'main.ini.d': '' });
    mkdirSync(path.join(cwd, 'main.ini'));
    const error = errorOf(() => loadConfig({ flags: {}, env: {}, cwd }));
    assert.deepEqual(error.message.split('\n').sort(), ['main.ini.d: is not a folder', 'main.ini: is a folder, not a file']);
  });
});

describe('faults of a node of a cluster', () => {
  test('each of the three flags asks for the other two', t => {
    assert.deepEqual(faultsOf(t, { 'main.ini': SERVERS }, { env: { CHAT_MULTINODE_MODE: 'master' } }), [
      '--node_name is missing: node_name, cluster_config and multinode_mode are given together',
      '--cluster_config is missing: node_name, cluster_config and multinode_mode are given together',
    ]);
  });

  test('a mode that is neither master nor slave', t => {
    const files = { 'main.ini': SERVERS, 'cluster.json': CLUSTER_JSON };
    assert.deepEqual(faultsOf(t, files, { flags: { ...SLAVE, multinode_mode: 'salve' } }), [
      "--multinode_mode: 'salve' must be master or slave, did you mean 'slave'?",
    ]);
  });

  test('a node name that is not in the list is told with the list and the nearest name', t => {
    const files = { 'main.ini': SERVERS, 'cluster.json': CLUSTER_JSON };
    assert.deepEqual(faultsOf(t, files, { flags: { ...SLAVE, node_name: 'chat-slve' } }), [
      "node_name 'chat-slve' is not in cluster 'chat' (chat-master, chat-slave), did you mean 'chat-slave'?",
    ]);
  });

  test('the mode must be what cluster.json says, for the master and for a slave', t => {
    const files = { 'main.ini': SERVERS, 'cluster.json': CLUSTER_JSON };
    assert.deepEqual(faultsOf(t, files, { flags: { ...SLAVE, multinode_mode: 'master' } }), [
      "node 'chat-slave' is started with --multinode_mode=master, but cluster.json makes 'chat-master' the master: start it with --multinode_mode=slave",
    ]);
    assert.deepEqual(faultsOf(t, files, { flags: { ...SLAVE, node_name: 'chat-master' } }), [
      "node 'chat-master' is started with --multinode_mode=slave, but cluster.json makes 'chat-master' the master: start it with --multinode_mode=master",
    ]);
  });

  test('db_host is needed, and behind a pooler without mq_host db_direct_host', t => {
    assert.deepEqual(faultsOf(t, { 'cluster.json': CLUSTER_JSON }, { flags: SLAVE }), [
      'db_host is missing: in a cluster all nodes share one PostgreSQL, set db_host in main.ini',
    ]);
    assert.deepEqual(
      faultsOf(t, { 'main.ini': 'db_host = a\ndb_pooler = transaction\n', 'cluster.json': CLUSTER_JSON }, { flags: SLAVE }),
      ['db_direct_host is missing: without mq_host the nodes sync by LISTEN, which a pooler in transaction mode cannot do'],
    );
  });
});

describe('faults of cluster.json', () => {
  const faultsIn = (t: Parameters<typeof load>[0], json: string): string[] =>
    faultsOf(t, { 'main.ini': SERVERS, 'cluster.json': json }, { flags: { ...SLAVE, node_name: 'b' } });
  const cluster = (changes: object): string =>
    JSON.stringify({ cluster_name: 'c', chat_server_node_names: ['a', 'b'], chat_server_master_node_name: 'a', ...changes }, null, 1);

  test('a missing file', t => {
    assert.deepEqual(faultsOf(t, { 'main.ini': SERVERS }, { flags: SLAVE }), ['cluster.json: does not exist']);
  });

  const broken: readonly (readonly [string, string, string])[] = [
    ['a missing comma', '{\n"a": 1\n"b": 2\n}', "cluster.json:3: is not JSON: expected ',' or '}', found '\"b\":'"],
    ['a comma too many in an object', '{\n"a": 1,\n}', "cluster.json:3: is not JSON: expected a name in double quotes, found '}'"],
    ['a comma too many in a list', '["a",\n]', "cluster.json:2: is not JSON: expected a value, found ']'"],
    ['a missing colon', '{"a" 1}', "cluster.json:1: is not JSON: expected ':', found '1}'"],
    ['a name without quotes', '{\n  a: 1}', "cluster.json:2: is not JSON: expected a name in double quotes, found 'a:'"],
    ['a word without quotes', '{"a":\n master}', "cluster.json:2: is not JSON: expected a value, found 'master}'"],
    ['a text that is not closed', '{"a": "b\n}', "cluster.json:1: is not JSON: expected a value, found '\"b'"],
    ['a missing brace', '{"a": [1, -2.5e3, true, null]\n\n', "cluster.json:1: is not JSON: expected ',' or '}', found the end of the file"],
    ['something behind the end', '{}\n{}', "cluster.json:2: is not JSON: expected the end of the file, found '{}'"],
    ['an empty file', '', 'cluster.json:1: is not JSON: expected a value, found the end of the file'],
    ['a list', '[]', 'cluster.json: must hold one JSON object'],
  ];
  for (const [name, json, sentence] of broken) test(`${name} in place of JSON`, t => assert.deepEqual(faultsIn(t, json), [sentence]));

  const wrong: readonly (readonly [string, object, readonly string[]])[] = [
    ['an unknown key', { lease_second: 4 }, ["cluster.json:8: unknown key 'lease_second', did you mean 'lease_seconds'?"]],
    ['a missing key', { cluster_name: undefined }, ['cluster.json: cluster_name is missing']],
    [
      'values of wrong types',
      { cluster_name: 5, chat_server_node_names: 'a' },
      ['cluster.json:2: cluster_name: 5 must be text', 'cluster.json:3: chat_server_node_names: "a" must be a list of names'],
    ],
    ['no node', { chat_server_node_names: [] }, ['cluster.json:3: chat_server_node_names: [] must name at least one node']],
    [
      'a node name with a blank',
      { chat_server_node_names: ['a', 'b c'] },
      ['cluster.json:3: chat_server_node_names: "b c" must be letters, digits, _ . or -, at most 100'],
    ],
    ['a wrong failover', { failover: 'never' }, ['cluster.json:8: failover: "never" must be automatic or manual']],
    ['a lease too short', { lease_seconds: 1 }, ['cluster.json:8: lease_seconds: 1 must be an integer from 2 to 30']],
    ['a lease with a fraction', { lease_seconds: 4.5 }, ['cluster.json:8: lease_seconds: 4.5 must be an integer from 2 to 30']],
    ['a name twice', { chat_server_node_names: ['a', 'b', 'a', 'a'] }, ["cluster.json:3: chat_server_node_names: 'a' is named twice"]],
    [
      'a master that is not in the list',
      { chat_server_node_names: ['node-1', 'b'], chat_server_master_node_name: 'node1' },
      ["cluster.json:7: chat_server_master_node_name: 'node1' is not in chat_server_node_names (node-1, b), did you mean 'node-1'?"],
    ],
    [
      'an unknown key and a node that is not in the list are told together',
      { chat_server_node_names: ['a'], fail_over: 'manual' },
      ["cluster.json:7: unknown key 'fail_over', did you mean 'failover'?", "node_name 'b' is not in cluster 'c' (a), did you mean 'a'?"],
    ],
  ];
  for (const [name, changes, sentences] of wrong)
    test(`${name} in cluster.json`, t => assert.deepEqual(faultsIn(t, cluster(changes)), sentences));
});

describe('faults of certificate and key', () => {
  test('one without the other', t => {
    assert.deepEqual(faultsOf(t, {}, { flags: { tls_cert: 'c.pem' } }), ['--tls_key is missing: certificate and key are given together']);
    assert.deepEqual(faultsOf(t, {}, { env: { CHAT_TLS_KEY: 'k.pem' } }), [
      '--tls_cert is missing: certificate and key are given together',
    ]);
  });

  test('files that cannot be read', t => {
    const cwd = folderWith(t, {});
    mkdirSync(path.join(cwd, 'k.pem'));
    const error = errorOf(() => loadConfig({ flags: { tls_cert: 'c.pem' }, env: { CHAT_TLS_KEY: 'k.pem' }, cwd }));
    assert.deepEqual(error.message.split('\n'), [
      `--tls_cert: ${cwd}/c.pem does not exist`,
      `CHAT_TLS_KEY: ${cwd}/k.pem is a folder, not a file`,
    ]);
  });

  test('files that hold no certificate', t => {
    const cwd = folderWith(t, { 'c.pem': 'x', 'k.pem': 'y' });
    const { message } = errorOf(() => loadConfig({ flags: { tls_cert: 'c.pem', tls_key: 'k.pem' }, env: {}, cwd }));
    assert.ok(message.startsWith(`--tls_cert ${cwd}/c.pem and --tls_key ${cwd}/k.pem are no certificate with its private key: `), message);
  });
});
