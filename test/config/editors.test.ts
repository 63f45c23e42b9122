/** Files as editors, shells and container platforms leave them: what cannot be read is said, what may be meant otherwise is a warning. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { type ConfigInput, type LoadedConfig, loadConfig } from '../../src/config/config.ts';
import { CLUSTER_JSON, errorOf, faultsOf, folderWith, load, SERVERS, SLAVE } from './support.ts';

/** `bytes` in the place of one file; the others are right. */
function withBytes(t: TestContext, name: string, bytes: Buffer): () => LoadedConfig {
  const cwd = folderWith(t, { 'main.ini': SERVERS, 'cluster.json': CLUSTER_JSON, 'main.ini.d/a.ini': '' });
  writeFileSync(path.join(cwd, name), bytes);
  return () => loadConfig({ flags: SLAVE, env: {}, cwd });
}

const utf16 = (text: string): Buffer => Buffer.from(text, 'utf16le');
const LATIN = Buffer.from(`${SERVERS}; Gr\xfc\xdfe\nport = 8260\n`, 'latin1');

describe('a file that is no UTF-8 is 78 and says what it is', () => {
  const kinds: readonly (readonly [string, Buffer, string])[] = [
    ['UTF-16 with a mark', Buffer.concat([Buffer.from([0xff, 0xfe]), utf16('port = 1\r\n')]), ' is UTF-16: save it as UTF-8'],
    ['big-endian UTF-16', Buffer.concat([Buffer.from([0xfe, 0xff]), utf16('port = 1\n').swap16()]), ' is UTF-16: save it as UTF-8'],
    ['UTF-16 without a mark', utf16('{"port": 1}\n'), ' is UTF-16 without a mark: save it as UTF-8'],
    ['big-endian without a mark', utf16('port = 1\n').swap16(), ' is UTF-16 without a mark: save it as UTF-8'],
    ['UTF-32', Buffer.from([0xff, 0xfe, 0, 0, 0x70, 0, 0, 0]), ' is UTF-32: save it as UTF-8'],
    ['Latin-1', LATIN, '3: is not UTF-8 here (Latin-1, or another code page of Windows?): save it as UTF-8'],
    [
      'a cut character',
      Buffer.from('; \xd0', 'latin1'),
      '1: is not UTF-8 here (Latin-1, or another code page of Windows?): save it as UTF-8',
    ],
    ['a NUL byte', Buffer.from('port = 1\nlisten = a\0\n'), '2: holds a NUL byte: it is no text file'],
  ];
  for (const name of ['main.ini', 'main.ini.d/a.ini', 'cluster.json']) {
    for (const [kind, bytes, sentence] of kinds) {
      test(`${name}, ${kind}`, t => {
        const { faults, message } = errorOf(withBytes(t, name, bytes));
        assert.ok(
          message.split('\n').some(line => line === `${name}:${sentence}`),
          message,
        );
        assert.ok(faults.length <= 2 && !message.includes('\0'), 'nothing else is said of what cannot be read');
      });
    }
  }

  for (const [text, line] of [
    ['port = 1\rlisten = a\r', 1],
    ['port = 1\n\n; a\rb', 3],
  ] as const) {
    test(`line ends of CR alone: ${JSON.stringify(text)}`, t => {
      const said = 'ends lines with CR alone, as very old editors do: save it with line ends of Unix (LF) or Windows (CRLF)';
      assert.deepEqual(faultsOf(t, { 'main.ini': text }), [`main.ini:${line}: ${said}`]);
    });
  }

  for (const [kind, text] of [
    ['Windows line ends', 'port = 8123\r\nlisten = ::1\r\n'],
    ['line ends that were made Windows twice', 'port = 8123\r\r\nlisten = ::1\r\r\n'],
    ['a mark of UTF-8', '\uFEFFport = 8123\nlisten = ::1'],
    ['letters of all kinds', '; ключ 键 é 🐟\nport = 8123\nlisten = ::1\r'],
  ] as const) {
    test(`${kind} are read`, t => {
      const { config, warnings } = load(t, { 'main.ini': text });
      assert.deepEqual([config.node.port, config.node.listen, warnings], [8123, '::1', []]);
    });
  }
});

describe('a value that a comment has cut', () => {
  const rows: readonly (readonly [string, string | undefined])[] = [
    [
      'hello_message = # of us',
      'main.ini:1: hello_message: the value begins with #, so all of it is a comment and the key is empty; if it is a value, put it in quotes',
    ],
    [
      'db_password = ;hunter2',
      'main.ini:1: db_password: the value begins with ;, so all of it is a comment and the key is empty; if it is a value, put it in quotes',
    ],
    [
      '\ndb_password = hunter2 #1',
      'main.ini:2: db_password: the value ends before the #, where a comment begins; if that belongs to the value, put all of it in quotes',
    ],
    [
      'hello_message = Hi ;-)',
      'main.ini:1: hello_message: the value ends before the ;, where a comment begins; if that belongs to the value, put all of it in quotes',
    ],
    ['hello_message = "Hi ;-) # 1"', undefined],
    ["db_password = '#hunter2' ; a comment that nobody takes for a part of it", undefined],
    ['db_password = s3#cret;x', undefined],
    ['; db_password = a #b', undefined],
  ];
  for (const [line, warning] of rows) {
    test(`${JSON.stringify(line)}: ${warning === undefined ? 'nothing is cut' : 'a warning with file and line, without the value'}`, t => {
      const { warnings } = load(t, { 'main.ini': `${line}\n` });
      assert.deepEqual(warnings, warning === undefined ? [] : [warning]);
    });
  }
});

describe('variables of the environment', () => {
  const read = (t: TestContext, env: ConfigInput['env']): LoadedConfig => load(t, {}, { env });

  for (const [end, name] of [
    ['\n', 'LF'],
    ['\r\n', 'CRLF'],
    ['\n\n', 'two'],
  ] as const) {
    test(`lose the line end of the file that they were read from: ${name}`, t => {
      const { config } = read(t, { CHAT_DB_PASSWORD: ` a b${end}`, CHAT_PORT: `8123${end}`, CHAT_DB_HOST: `db${end}`, CHAT_LISTEN: end });
      assert.deepEqual([config.db?.password?.reveal(), config.node.port, config.node.listen], [' a b', 8123, '127.0.0.1']);
    });
  }

  const KUBERNETES = {
    CHAT_PORT: 'tcp://10.96.0.7:80',
    CHAT_SERVICE_HOST: '10.96.0.7',
    CHAT_SERVICE_PORT: '80',
    CHAT_SERVICE_PORT_HTTP: '80',
    CHAT_PORT_80_TCP: 'tcp://10.96.0.7:80',
    CHAT_PORT_80_TCP_ADDR: '10.96.0.7',
  };

  test("of Kubernetes for a Service named as ours are passed over with one warning, and the files' values count", t => {
    const { config, warnings, origins } = load(t, { 'main.ini': 'port = 8123' }, { env: KUBERNETES });
    assert.equal(config.node.port, 8123);
    assert.ok(origins.every(({ origin }) => origin !== 'environment'));
    assert.deepEqual(warnings, [
      `${Object.keys(KUBERNETES).sort().join(', ')}: set by Kubernetes for the Service 'chat', passed over; enableServiceLinks: false in the pod keeps them away`,
    ]);
  });

  for (const [env, port, variables] of [
    [{ ...KUBERNETES, CHAT_PORT: '8124' }, 8124, ['CHAT_PORT_80_TCP', 'CHAT_SERVICE_HOST']],
    [{ CHAT_PORT: 'udp://[fd00::7]:80' }, 8260, ['CHAT_PORT']],
    [{ CHAT_DB_PORT: 'tcp://10.96.0.8:5432', CHAT_DB_SERVICE_HOST: '10.96.0.8' }, 8260, ['CHAT_DB_PORT', 'CHAT_DB_SERVICE_HOST']],
    [{ CHAT_MQ_PORT: 'tcp://10.96.0.9:5672\n' }, 8260, ['CHAT_MQ_PORT']],
    [{ CHAT_SHOP_PORT: 'tcp://10.96.0.1:80', CHAT_SHOP_SERVICE_HOST: '10.96.0.1', CHATTER_SERVICE_HOST: 'x', HOME: '/' }, 8260, []],
  ] as const) {
    test(`are told from our own: ${JSON.stringify(Object.keys(env))}`, t => {
      const { config, warnings } = read(t, env);
      assert.equal(config.node.port, port);
      assert.equal(warnings.length, variables.length === 0 ? 0 : 1, warnings.join('\n'));
      for (const variable of variables) assert.ok(warnings[0]?.includes(variable), variable);
    });
  }

  test('that are a wrong port are faults all the same', t => {
    for (const value of ['tcp://', 'http://10.96.0.7:80', 'tcp'])
      assert.deepEqual(faultsOf(t, {}, { env: { CHAT_PORT: value } }), [`port (CHAT_PORT): '${value}' must be an integer from 0 to 65535`]);
  });
});

describe('an IPv6 address', () => {
  const hostsOf = (t: TestContext, line: string): unknown => load(t, { 'main.ini': line }).config.db?.hosts;
  for (const [text, host, port] of [
    ['::1', '::1', 5432],
    ['[::1]', '::1', 5432],
    ['[::1]:6432', '::1', 6432],
    ['2001:db8::7', '2001:db8::7', 5432],
    ['fd00:0:0:0:1:2:3:4', 'fd00:0:0:0:1:2:3:4', 5432],
    ['fe80::1%eth0', 'fe80::1%eth0', 5432],
    ['[fe80::1%eth0]:6432', 'fe80::1%eth0', 6432],
    ['::ffff:10.0.0.1', '::ffff:10.0.0.1', 5432],
  ] as const) {
    test(`${text} names a host`, t => assert.deepEqual(hostsOf(t, `db_host = ${text}`), [{ host, port }]));
  }

  test('stands in a list among others', t => {
    const hosts = hostsOf(t, 'db_host = ::1, db:6432, [fd00::2]:7432');
    assert.deepEqual(hosts, [
      { host: '::1', port: 5432 },
      { host: 'db', port: 6432 },
      { host: 'fd00::2', port: 7432 },
    ]);
  });

  for (const [text, before, last] of [
    ['::1:5432', '::1', '5432'],
    ['fd00::2:5672', 'fd00::2', '5672'],
  ] as const) {
    test(`${text} may be two things, and is asked back`, t =>
      assert.deepEqual(faultsOf(t, { 'main.ini': `mq_host = ${text}` }), [
        `main.ini:1: mq_host: '${text}' may be meant in two ways: write [${before}]:${last} or [${text}]`,
      ]));
  }

  for (const [given, listen] of [
    ['::1', '::1'],
    ['[::1]', '::1'],
    ['[::]', '::'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
    ['localhost', 'localhost'],
  ] as const) {
    test(`a node listens on ${given}`, t => {
      assert.equal(load(t, { 'main.ini': `listen = ${given}` }).config.node.listen, listen);
      assert.equal(load(t, {}, { flags: { listen: given } }).config.node.listen, listen);
    });
  }

  for (const given of ['*', '/run/chat.sock', '127.0.0.1:8260', '[::1]:8260', '::1]', 'a b']) {
    test(`nobody can listen on ${given}`, t => {
      const [fault] = faultsOf(t, {}, { env: { CHAT_LISTEN: given } });
      assert.match(String(fault), /^listen \(CHAT_LISTEN\): '.*' must be an address/);
    });
  }

  test('of a proxy may have brackets too', t => {
    const { config } = load(t, { 'main.ini': 'trusted_proxies = [::1], [fd00::]/8, ::2' });
    assert.deepEqual(config.trustedProxies, ['::1', 'fd00::/8', '::2']);
  });
});
