/** What a right configuration becomes: files, their order, environment and flags, published forms, types. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import { loadConfig } from '../../src/config/config.ts';
import { CLUSTER_JSON, folderWith, load, originOf, SERVERS, SLAVE } from './support.ts';

describe('a single node', () => {
  test('without any file every key has its default and there is neither broker nor database', t => {
    const cwd = folderWith(t, {});
    const {
      config: { fingerprint, ...config },
      files,
    } = loadConfig({ flags: {}, env: {}, cwd });
    assert.equal(fingerprint['db_password'], undefined, 'no hash of a secret');
    assert.deepEqual(config, {
      mode: 'single',
      node: { name: 'single', listen: '127.0.0.1', port: 8260, tls: undefined, logLevel: 'info' },
      cluster: undefined,
      mq: undefined,
      db: undefined,
      dataDir: path.join(cwd, 'var'),
      operatorStatuses: [],
      allowedOrigins: [],
      trustedProxies: ['loopback'],
      basePath: '',
      push: undefined,
      survey: undefined,
      helloMessage: undefined,
      identification: {
        fieldsVersions: [3],
        fieldsKeys: [],
        fieldsKey: undefined,
        fieldsHash: 'hmac-sha256',
        backendKey: undefined,
        bareIds: 'refuse',
      },
      chats: {
        graceSeconds: 30,
        lostOperatorPolicy: 'requeue',
        assignmentMode: 'mixed',
        assignmentTimeoutSeconds: 60,
        tieBreak: 'random',
        lastOperatorFirst: true,
        headStarts: [],
        offlineAfterSeconds: 120,
        reopenSeconds: 1_800,
        idleSeconds: { queue: 86_400, chatting: 43_200, hold: 86_400, invitation: 3_600, offline: 2_592_000 },
        subjects: [],
      },
      retention: { logHours: 24, assignmentDays: 90, messageDays: 0 },
      limits: {
        maxChatsPerOperator: 5,
        operatorSessionSeconds: 43_200,
        maxMessageLength: 32_000,
        maxRequestBytes: 10_485_760,
        pollHoldMs: 25_000,
        wsBufferBytes: 1_048_576,
        ringBytes: 67_108_864,
        commitQueueLength: 10_000,
        maxConnections: 10_000,
        wsHandshakesPerSecond: 3_000,
        visitorActionsPerSecond: 10,
        visitorReadsPerSecond: 20,
        visitorConnectionsPerAddress: 200,
        visitorInitsPerSecond: 5,
        visitorChatsPerMinute: 60,
        uploadMinBytesPerSecond: 1_024,
        uploadMessages: 'each',
        proposesRating: false,
        uploadTypes:
          'jpg jpeg jfif png gif webp heic heif pdf doc docx xls xlsx ppt pptx odt ods rtf txt csv mp3 m4a ogg oga opus wav amr mp4 mov webm'.split(
            ' ',
          ),
      },
    });
    assert.deepEqual(files, []);
  });

  test('main.ini in the working folder is read without --config', t => {
    const loaded = load(t, { 'main.ini': 'port = 9000\n' });
    assert.equal(loaded.config.node.port, 9000);
    assert.equal(originOf(loaded, 'port'), 'main.ini:1');
  });

  test('mq_host alone opens no broker', t => {
    assert.equal(load(t, { 'main.ini': 'mq_host = mq.example.org\n' }).config.mq, undefined);
  });

  test('a relative data_dir lies beside the main.ini that --config names', t => {
    const cwd = folderWith(t, { 'etc/main.ini': 'data_dir = ../data\n' });
    const { config } = loadConfig({ configFile: 'etc/main.ini', flags: {}, env: {}, cwd });
    assert.equal(config.dataDir, path.join(cwd, 'data'));
  });

  test('the result is frozen at every depth', t => {
    const { config } = load(t, { 'main.ini': 'db_host = a,b\n' });
    assert.ok(
      Object.isFrozen(config) &&
        Object.isFrozen(config.limits) &&
        Object.isFrozen(config.db?.hosts[0]) &&
        Object.isFrozen(config.trustedProxies),
    );
  });
});

describe('where a value comes from', () => {
  test('files of main.ini.d are read in the order of their names and the last one wins', t => {
    const loaded = load(t, {
      'main.ini': 'port = 1\nring_megabytes = 1\nlisten = ::1\n',
      'main.ini.d/20-late.ini': 'port = 3\n',
      'main.ini.d/10-early.ini': '\nport = 2\nring_megabytes = 2\n',
      'main.ini.d/notes.txt': 'port = 4\n',
    });
    assert.deepEqual([loaded.config.node.port, loaded.config.limits.ringBytes, loaded.config.node.listen], [3, 2_097_152, '::1']);
    assert.equal(originOf(loaded, 'port'), 'main.ini.d/20-late.ini:1');
    assert.equal(originOf(loaded, 'ring_megabytes'), 'main.ini.d/10-early.ini:3');
    assert.deepEqual(
      loaded.files.map(file => path.basename(file)),
      ['main.ini', '10-early.ini', '20-late.ini'],
    );
  });

  test('main.ini.d lies beside the file that --config names, whatever that is called', t => {
    const cwd = folderWith(t, {
      'etc/production.ini': 'port = 1\n',
      'etc/main.ini.d/port.ini': 'port = 2\n',
      'main.ini.d/port.ini': 'port = 3\n',
    });
    assert.equal(loadConfig({ configFile: 'etc/production.ini', flags: {}, env: {}, cwd }).config.node.port, 2);
  });

  test('of a key that stands twice in one file the last line counts', t => {
    assert.equal(originOf(load(t, { 'main.ini': 'port = 1\nport = 2\n' }), 'port'), 'main.ini:2');
  });

  test('the environment wins over files, and a flag over the environment', t => {
    const files = { 'main.ini': 'port = 1\nlog_level = error\nmax_chats_per_operator = 2\n' };
    const loaded = load(t, files, { env: { CHAT_PORT: '2', CHAT_LOG_LEVEL: 'warn' }, flags: { port: '3' } });
    assert.deepEqual([loaded.config.node.port, loaded.config.node.logLevel], [3, 'warn']);
    assert.deepEqual(
      [originOf(loaded, 'port'), originOf(loaded, 'log_level'), originOf(loaded, 'data_dir')],
      ['flag', 'environment', 'default'],
    );
  });

  test('an empty environment variable is not set', t => {
    const { config } = load(t, { 'main.ini': 'port = 1\n' }, { env: { CHAT_PORT: '', CHAT_NODE_NAME: '', CHAT_DB_HOST: '' } });
    assert.deepEqual([config.node.port, config.mode, config.db], [1, 'single', undefined]);
  });

  test('an environment variable CHAT_ that is no key is left alone', t => {
    assert.equal(load(t, {}, { env: { CHAT_SERVICE_HOST: '10.0.0.1' } }).config.mode, 'single');
  });

  test('flags of a node may come from the environment', t => {
    const files = { 'main.ini': SERVERS, 'cluster.json': CLUSTER_JSON };
    const env = { CHAT_NODE_NAME: 'chat-master', CHAT_CLUSTER_CONFIG: 'cluster.json', CHAT_MULTINODE_MODE: 'slave' };
    const loaded = load(t, files, { env, flags: { multinode_mode: 'master' } });
    assert.deepEqual([loaded.config.mode, loaded.config.node.name], ['master', 'chat-master']);
    assert.deepEqual([originOf(loaded, 'node_name'), originOf(loaded, 'multinode_mode')], ['environment', 'flag']);
  });
});

describe('how main.ini is written', () => {
  const valueOf = (line: string) => (t: Parameters<typeof load>[0]) =>
    load(t, { 'main.ini': `db_host = x\n${line}\n` }).config.db?.password?.reveal();
  const cases: readonly (readonly [string, string, string])[] = [
    ['blanks around a value do not count', 'db_password =   a b  ', 'a b'],
    ['double quotes are stripped', 'db_password = "a ; b"', 'a ; b'],
    ['single quotes are stripped', "db_password = 'a # b'", 'a # b'],
    ['a quoted number stays as it is written', "db_password = '1e5'", '1e5'],
    ['a backslash is a character like any other', 'db_password = "a\\b"', 'a\\b'],
    ['a comment behind a value needs a blank before it', 'db_password = s3#cr;t ; the old one', 's3#cr;t'],
    ['a comment may follow a quoted value', 'db_password = "a" # "b"', 'a'],
    ['an equals sign may stand in a value', 'db_password = a=b=', 'a=b='],
  ];
  for (const [name, line, expected] of cases) test(name, t => assert.equal(valueOf(line)(t), expected));

  test('comments, empty lines, section lines, Windows line ends and a byte order mark mean nothing', t => {
    const loaded = load(t, { 'main.ini': '\uFEFF; a\r\n# b\r\n\r\n[mq] ; c\r\nport = 9000\r\n' });
    assert.equal(loaded.config.node.port, 9000);
    assert.equal(originOf(loaded, 'port'), 'main.ini:5');
  });
});

describe('typed values', () => {
  test('hosts may be several, each with or without a port', t => {
    const { config } = load(
      t,
      { 'main.ini': 'mq_host = a, b:5673 ,[::1]:5674\nmq_port = 5671\ndb_host = c\n', 'cluster.json': CLUSTER_JSON },
      { flags: SLAVE },
    );
    assert.deepEqual(config.mq?.hosts, [
      { host: 'a', port: 5671 },
      { host: 'b', port: 5673 },
      { host: '::1', port: 5674 },
    ]);
    assert.deepEqual(config.db?.hosts, [{ host: 'c', port: 5432 }]);
  });

  test('a folder stands for the socket of PostgreSQL in it', t => {
    assert.deepEqual(load(t, { 'main.ini': 'db_host = /run/postgresql\n' }).config.db?.hosts, [{ host: '/run/postgresql', port: 5432 }]);
  });

  test('behind a pooler the direct host has a port of its own', t => {
    const { config } = load(t, {
      'main.ini': 'db_host = pool:6432\ndb_pooler = transaction\ndb_direct_host = real\ndb_direct_port = 5433\n',
    });
    assert.equal(config.db?.pooler, 'transaction');
    assert.deepEqual(config.db.direct, [{ host: 'real', port: 5433 }]);
  });

  test('further operator statuses have a name, a sort and a title', t => {
    const { config } = load(t, { 'main.ini': 'operator_statuses = lunch:none:At lunch: 1 h, phone:takes\n' });
    assert.deepEqual(config.operatorStatuses, [
      { name: 'lunch', sort: 'none', title: 'At lunch: 1 h' },
      { name: 'phone', sort: 'takes', title: 'phone' },
    ]);
  });

  test('allowed origins are kept as browsers send them', t => {
    const { config } = load(t, { 'main.ini': 'allowed_origins = https://Desk.example.org/, http://localhost:8080\n' });
    assert.deepEqual(config.allowedOrigins, ['https://desk.example.org', 'http://localhost:8080']);
  });

  test('an empty trusted_proxies trusts none', t => {
    assert.deepEqual(load(t, { 'main.ini': 'trusted_proxies =\n' }).config.trustedProxies, []);
    assert.deepEqual(load(t, { 'main.ini': 'trusted_proxies = 10.0.0.0/8, ::1\n' }).config.trustedProxies, ['10.0.0.0/8', '::1']);
  });

  test('a secret shows itself only when it is asked to', t => {
    const password = load(t, { 'main.ini': 'db_host = x\ndb_password = hunter2\n' }).config.db?.password;
    assert.equal(password?.reveal(), 'hunter2');
    assert.deepEqual(
      [String(password), JSON.stringify({ password }), inspect({ password })],
      ['***', '{"password":"***"}', '{ password: *** }'],
    );
  });
});

describe('published forms', () => {
  const PUBLISHED = 'mq_host = 10.0.0.5\nmq_port = 5672\nmq_username = chat\nmq_password = s3cret\nmq_virtual_host = /chat\n';

  for (const section of ['', '[mq]\n']) {
    test(`a main.ini with only the mq_ keys ${section === '' ? 'without' : 'with'} a section line works as it is`, t => {
      const files = {
        'main.ini': section + PUBLISHED,
        'main.ini.d/webim_mq.ini': 'mq_node_id_prefix = shop\n',
        'cluster.json': CLUSTER_JSON,
      };
      assert.equal(load(t, files).config.mode, 'single');
      const { config } = load(t, files, { flags: SLAVE, env: { CHAT_DB_HOST: 'db' } });
      assert.equal(config.mode, 'slave');
      assert.deepEqual(
        { ...config.mq, password: config.mq?.password.reveal() },
        {
          hosts: [{ host: '10.0.0.5', port: 5672 }],
          username: 'chat',
          password: 's3cret',
          virtualHost: '/chat',
          nodeIdPrefix: 'shop',
          tls: undefined,
        },
      );
    });
  }

  test('the three-key cluster.json works as it is', t => {
    const { config, files } = load(t, { 'main.ini': SERVERS, 'cluster.json': CLUSTER_JSON }, { flags: SLAVE });
    assert.deepEqual(config.cluster, {
      name: 'chat',
      nodeNames: ['chat-master', 'chat-slave'],
      masterNodeName: 'chat-master',
      failover: 'automatic',
      leaseSeconds: 4,
    });
    assert.equal(path.basename(files.at(-1)!), 'cluster.json');
  });

  test('cluster.json may set failover and lease_seconds', t => {
    const json = JSON.stringify({ ...(JSON.parse(CLUSTER_JSON) as object), failover: 'manual', lease_seconds: 30 });
    const { cluster } = load(t, { 'main.ini': SERVERS, 'cluster.json': json }, { flags: SLAVE }).config;
    assert.deepEqual([cluster?.failover, cluster?.leaseSeconds], ['manual', 30]);
  });

  test('a folder main.ini.d without files is none', t => {
    const cwd = folderWith(t, { 'main.ini': '' });
    mkdirSync(path.join(cwd, 'main.ini.d'));
    assert.equal(loadConfig({ flags: {}, env: {}, cwd }).files.length, 1);
  });
});
