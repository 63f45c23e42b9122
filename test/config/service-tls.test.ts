/** db_tls and mq_tls: what is read, what is refused, and what is said of the rest. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, test } from 'node:test';
import { warningsOfTls } from '../../src/config/service-tls.ts';
import { CLUSTER_JSON, faultsOf, load, SERVERS, SLAVE } from './support.ts';

const FILES = { 'cluster.json': CLUSTER_JSON, 'ca.pem': 'an authority', 'own.pem': 'a certificate', 'own.key': 'a key' };
const withLines = (lines: string) => ({ ...FILES, 'main.ini': `${SERVERS}${lines}` });

describe('TLS to the services', () => {
  for (const name of ['db_tls', 'mq_tls'] as const) {
    const of = (config: ReturnType<typeof load>['config']) => (name === 'db_tls' ? config.db : config.mq)?.tls;

    test(`${name}: off unless it is wanted; files stand beside main.ini`, t => {
      assert.equal(of(load(t, withLines(''), { flags: SLAVE }).config), undefined);
      const loaded = load(t, withLines(`${name} = verify-full\n${name}_ca = ca.pem\n${name}_cert = own.pem\n${name}_key = own.key\n`), {
        flags: SLAVE,
      });
      const tls = of(loaded.config);
      assert.ok(tls !== undefined);
      assert.equal(tls.mode, 'verify-full');
      assert.deepEqual(
        [tls.caFile, tls.certFile, tls.keyFile].map(file => path.basename(file ?? '')),
        ['ca.pem', 'own.pem', 'own.key'],
      );
      assert.ok(path.isAbsolute(tls.caFile ?? ''));
    });

    for (const [lines, words] of [
      [`${name} = yes`, /must be one of disable, require, verify-full/],
      [`${name} = verify-full\n${name}_ca = nowhere.pem`, new RegExp(`${name}_ca: nowhere\\.pem does not exist`)],
      [`${name} = require\n${name}_cert = own.pem`, new RegExp(`${name}_cert and ${name}_key belong together`)],
      [`${name} = require\n${name}_key = own.key`, new RegExp(`${name}_cert and ${name}_key belong together`)],
      [`${name}_ca = ca.pem`, new RegExp(`${name} is disable`)],
    ] as const) {
      test(`${name} is refused: ${lines.replaceAll('\n', ', ')}`, t => {
        const faults = faultsOf(t, withLines(`${lines}\n`), { flags: SLAVE });
        assert.ok(
          faults.some(fault => words.test(fault)),
          faults.join('\n'),
        );
      });
    }
  }

  test('what crosses a network in the clear, or to whoever answers, is said; what stays on this host is not', () => {
    const tls = (mode: 'require' | 'verify-full') => ({ mode, caFile: undefined, certFile: undefined, keyFile: undefined });
    const said = (host: string, mode?: 'require' | 'verify-full'): string[] =>
      warningsOfTls({ db: { hosts: [{ host }], tls: mode === undefined ? undefined : tls(mode) }, mq: undefined });
    for (const host of ['127.0.0.1', '127.3.2.1', '::1', 'localhost', '/run/postgresql']) assert.deepEqual(said(host), [], host);
    assert.match(said('10.0.0.1')[0] ?? '', /^db_tls = disable: .*in the clear/);
    assert.match(said('db.example.org', 'require')[0] ?? '', /^db_tls = require: /);
    assert.deepEqual(said('db.example.org', 'verify-full'), []);
    const [mq] = warningsOfTls({ db: undefined, mq: { hosts: [{ host: 'localhost' }, { host: 'mq.example.org' }], tls: undefined } });
    assert.match(mq ?? '', /^mq_tls = disable: the password of RabbitMQ/);
  });
});
