/** TLS to real servers, PostgreSQL and RabbitMQ: encrypted where it is wanted, and nobody believed whose certificate is not right. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { accountForRoot } from '../../src/postgres/embedded.ts';
import { startPrivateBroker, type PrivateBroker } from '../support/broker.ts';
import { type Certificates, makeCertificates } from '../support/certificates.ts';
import { Cleanup } from '../support/cleanup.ts';
import { clusterJson } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { type PrivatePostgres, startPrivatePostgres } from '../support/private-postgres.ts';
import { chatServer, Folder, type NodeProcess, startNodeProcess } from '../support/process.ts';

const all = new Cleanup();
after(() => all.run());

let right: Certificates;
let strangers: Certificates;

before(() => {
  const made = (names: readonly string[]): Certificates => all.add(makeCertificates(names, accountForRoot()), it => it.remove());
  right = made(['localhost,127.0.0.1', 'elsewhere.example.org', 'postgres']);
  strangers = made(['localhost,127.0.0.1']);
});

/** A server that shows the certificate of this name, and takes nobody in without TLS. */
function postgresAs(
  name: string,
  hba = 'hostssl all all 127.0.0.1/32 trust\nhost postgres all 127.0.0.1/32 trust\n',
): Promise<PrivatePostgres> {
  const settings = {
    ssl: 'on',
    ssl_cert_file: `'${right.cert(name)}'`,
    ssl_key_file: `'${right.key(name)}'`,
    ssl_ca_file: `'${right.ca}'`,
  };
  return startPrivatePostgres(settings, { hba });
}

async function operatorList(server: PrivatePostgres, ...lines: string[]): Promise<{ code: number | null; stderr: string }> {
  const folder = all.add(new Folder(), it => it.remove());
  const ini = [`db_host = 127.0.0.1:${server.port}`, 'db_name = secret', `db_username = ${server.user}`, ...lines];
  folder.write('main.ini', ini.join('\n'));
  return chatServer(['operator', 'list', '--config', 'main.ini'], { cwd: folder.path });
}

describe('TLS to PostgreSQL', () => {
  test('without it nobody is let in, with it everything is encrypted; a wrong authority or name is refused in words', async () => {
    const server = all.add(await postgresAs('localhost'), it => it.remove());
    await server.query('create database secret');
    const named = all.add(await postgresAs('elsewhere.example.org'), it => it.remove());
    await named.query('create database secret');
    const inTheClear = await operatorList(server);
    assert.equal(inTheClear.code, 78);
    assert.match(inTheClear.stderr, /refuses: no pg_hba\.conf entry/);
    assert.equal((await operatorList(server, 'db_tls = require')).code, 0);
    assert.equal((await operatorList(named, 'db_tls = require')).code, 0, 'whoever answers');
    assert.equal((await operatorList(server, 'db_tls = verify-full', `db_tls_ca = ${right.ca}`)).code, 0);
    for (const [target, ca, words] of [
      [server, strangers.ca, /self.signed certificate|unable to verify|unable to get/],
      [named, right.ca, /does not match certificate|altnames/],
      [server, undefined, /self.signed certificate|unable to/],
    ] as const) {
      const lines = ['db_tls = verify-full', ...(ca === undefined ? [] : [`db_tls_ca = ${ca}`])];
      const { code, stderr } = await operatorList(target, ...lines);
      assert.equal(code, 69, stderr);
      assert.match(stderr, words);
      assert.doesNotMatch(stderr, /bug/);
    }
  });

  test('every connection of a node is encrypted, and its own certificate logs it in', async () => {
    const hba = 'hostssl secret all 127.0.0.1/32 cert\nhost postgres all 127.0.0.1/32 trust\n';
    const server = all.add(await postgresAs('localhost', hba), it => it.remove());
    await server.query('create database secret');
    assert.equal((await operatorList(server, 'db_tls = verify-full', `db_tls_ca = ${right.ca}`)).code, 78, 'without a certificate');
    const folder = all.add(new Folder(), it => it.remove());
    folder.write(
      'main.ini',
      [
        `db_host = 127.0.0.1:${server.port}`,
        ...['db_name = secret', `db_username = ${server.user}`, 'db_tls = verify-full', `db_tls_ca = ${right.ca}`],
        ...[`db_tls_cert = ${right.cert('postgres')}`, `db_tls_key = ${right.key('postgres')}`],
      ].join('\n'),
    );
    const node = all.add(await startNodeProcess(['--config', 'main.ini'], { cwd: folder.path }), it => it.stop());
    const connections = await server.query(
      "select ssl, version from pg_stat_activity join pg_stat_ssl using (pid) where datname = 'secret' and backend_type = 'client backend'",
    );
    assert.ok(connections.length >= 3, JSON.stringify(connections)); // commits, heartbeat, reads
    for (const { ssl, version } of connections) assert.deepEqual([ssl, /^TLSv1\.[23]$/.test(String(version))], [true, true]);
    assert.equal(await node.stop(), 0);
  });
});

describe('TLS to RabbitMQ', () => {
  let server: PrivatePostgres;
  let broker: PrivateBroker;

  before(async () => {
    server = all.add(await startPrivatePostgres(), it => it.remove());
    await server.query('create database secret');
    const tls = { ca: right.ca, cert: right.cert('localhost'), key: right.key('localhost'), wantsCertificate: true };
    broker = all.add(await startPrivateBroker(tls), it => it.remove());
  });

  async function startWith(...lines: string[]): Promise<NodeProcess> {
    const folder = all.add(new Folder(), it => it.remove());
    const ini = [`db_host = 127.0.0.1:${server.port}`, 'db_name = secret', `db_username = ${server.user}`, ...lines];
    folder.write('main.ini', ini.join('\n'));
    folder.write('cluster.json', clusterJson(['chat-master']));
    const flags = ['--config', 'main.ini', '--cluster_config', 'cluster.json', '--node_name', 'chat-master', '--multinode_mode', 'master'];
    return all.add(await startNodeProcess(flags, { cwd: folder.path }), it => it.stop());
  }

  test('connected by a certificate of its own; without one, or to a broker that is not the right one, degraded and said why', async () => {
    const mine = [`mq_tls_cert = ${right.cert('postgres')}`, `mq_tls_key = ${right.key('postgres')}`];
    const host = `mq_host = 127.0.0.1:${broker.tlsPort}`;
    const good = await startWith(host, 'mq_tls = verify-full', `mq_tls_ca = ${right.ca}`, ...mine);
    await eventually(async () => (await good.metric('bus_connected')) === 1, { within: 10_000 });
    const listed = await broker.rabbitmqctl('list_connections', 'ssl', 'ssl_protocol');
    assert.match(listed, /true\s+\{?'?tlsv1\.[23]/);
    await good.stop();
    for (const [lines, words] of [
      [[host, 'mq_tls = verify-full', `mq_tls_ca = ${strangers.ca}`, ...mine], /authority that is not trusted/],
      [[host, 'mq_tls = verify-full', `mq_tls_ca = ${right.ca}`], /RabbitMQ at 127\.0\.0\.1:\d+: /],
      [[`mq_host = 127.0.0.1:${broker.port}`, 'mq_tls = require'], /does not speak TLS here|RabbitMQ at/],
    ] as const) {
      const node = await startWith(...lines);
      const { state, reason } = (await eventually(async () => {
        const status = await node.status();
        return status.state === 'degraded' && status;
      })) as unknown as { state: string; reason: string };
      assert.equal(state, 'degraded');
      assert.match(reason, words);
      await node.stop();
    }
  });
});
