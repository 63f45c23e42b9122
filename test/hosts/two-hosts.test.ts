/**
 * A cluster on two hosts, as an administrator installs it: scripts/make-certs.sh, scripts/install.sh, the unit's own
 * command lines, nginx-sites with two addresses changed. Then the network between the hosts fails, and a node dies.
 */
import assert from 'node:assert/strict';
import { readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { eventually } from '../support/eventually.ts';
import { Conversation } from '../support/hosts/conversation.ts';
import { mustRun, run, whyNoHosts } from '../support/hosts/host.ts';
import { filesIn, type Place, startTwoHosts, type TwoHosts } from '../support/hosts/two-hosts.ts';
import { startUnit, UNIT } from '../support/hosts/unit.ts';

const PASSWORD = 'correct horse';
const MAKE_CERTS = path.resolve(import.meta.dirname, '../../scripts/make-certs.sh');

const skip = (await whyNoHosts()) ?? false;

describe('a cluster on two hosts', { skip }, () => {
  const cleanup = new Cleanup();
  let cluster: TwoHosts;
  let talk: Conversation;

  before(async () => {
    cluster = cleanup.add(await startTwoHosts(), it => it.stop());
    const added = await cluster.a.host.run(['chat-server', 'operator', 'add', '--login', 'anna', '--fullname', 'Anna'], {
      input: `${PASSWORD}\n`,
    });
    assert.equal(added.code, 0, added.stderr);
  });

  after(async () => {
    await cleanup.run();
  });

  const bothRun = (): Promise<unknown> =>
    eventually(
      async () => {
        assert.deepEqual(await Promise.all([cluster.a.state(), cluster.b.state()]), ['running', 'running']);
      },
      { within: 20_000, every: 100 },
    );

  test('the installed unit is right for systemd and leaves a node little to do harm with', async t => {
    const unit = path.join(cluster.a.host.root, UNIT);
    const verified = await run('systemd-analyze', ['verify', unit], {});
    assert.deepEqual([verified.code, verified.stdout, verified.stderr], [0, '', '']);
    const security = await mustRun('systemd-analyze', 'security', '--offline=true', '--no-pager', unit);
    const score = Number(/exposure level for .*: ([\d.]+)/.exec(security)?.[1]);
    t.diagnostic(`systemd-analyze security: ${score} (0 best, 10 worst)`);
    assert.ok(score < 2, `the score is ${score}`);
    const text = readFileSync(unit, 'utf8');
    for (const line of ['LimitCORE=0', 'MemoryMax=75%', 'TasksMax=200', 'NoNewPrivileges=yes'])
      assert.ok(text.includes(`\n${line}\n`), line);
  });

  test('the nodes start from ExecStart alone, and ExecStartPost ends when they serve', async () => {
    for (const { unit } of [cluster.a, cluster.b]) assert.deepEqual(unit.started, { code: 0, stdout: '', stderr: '' });
    const statuses = await Promise.all([cluster.a.status(), cluster.b.status()]);
    assert.deepEqual(
      statuses.map(({ node, role, state, transport, enableTls }) => [node, role, state, transport, enableTls]),
      [
        ['chat-master', 'master', 'running', 'rabbitmq', true],
        ['chat-slave', 'slave', 'running', 'rabbitmq', true],
      ],
    );
    const shown = await cluster.b.host.run(['chat-server', 'cluster', 'status']);
    assert.match(shown.stdout, /chat-master .* running +host-a .*\nchat-slave .* running +host-b /);
  });

  test('both hosts have the same main.ini, main.ini.d and cluster.json, byte for byte, and hide them from others', () => {
    const [a, b] = [cluster.a, cluster.b].map(({ host }) => filesIn(host, 'etc/chat-server')) as [Map<string, Buffer>, Map<string, Buffer>];
    const common = ['cluster.json', 'main.ini', 'main.ini.d/webim_mq.ini'];
    assert.deepEqual([...a.keys()].sort(), ['ca.pem', 'chat-master.env', ...common, 'tls/chat-master.key', 'tls/chat-master.pem'].sort());
    assert.deepEqual([...b.keys()].sort(), ['chat-slave.env', ...common, 'tls/chat-slave.key', 'tls/chat-slave.pem'].sort());
    for (const name of common) assert.ok(a.get(name)?.equals(b.get(name)!), `${name} is the same`);
    for (const name of [...b.keys()])
      assert.equal(statSync(path.join(cluster.b.host.root, 'etc/chat-server', name)).mode & 0o777, 0o640, name);
  });

  test('a visitor and an operator talk across the hosts', async () => {
    talk = cleanup.add(await Conversation.start(cluster.url, 'anna', PASSWORD), it => it.stop());
    assert.equal(await connections(cluster.b), 1, 'the operator is connected to the slave');
    assert.equal(await connections(cluster.a), 0);
    await talk.talk('at first', 20);
    await Promise.all([talk.hears('operator', 5_000), talk.hears('visitor', 5_000)]);
  });

  test('Nginx speaks to no node whose certificate is of another CA', async () => {
    const { host } = cluster.a;
    const file = path.join(host.root, 'etc/chat-server/ca.pem');
    const right = readFileSync(file);
    const others = path.join(path.dirname(host.root), 'certs of others');
    await mustRun(MAKE_CERTS, '--out', others, 'chat-master');
    const answers = async (status: number): Promise<void> => {
      await host.run(['nginx', '-s', 'reload']);
      await eventually(async () => (await fetch(`${cluster.url}/healthz`, { headers: { connection: 'close' } })).status === status);
    };
    writeFileSync(file, readFileSync(path.join(others, 'ca.pem')));
    await answers(502);
    writeFileSync(file, right);
    await answers(200);
    await talk.hears('operator');
  });

  test('a new certificate is shown after ExecReload, without a restart', async () => {
    const { main } = await cluster.b.status();
    const old = await cluster.b.certificate();
    await cluster.renewCertificate();
    assert.equal(await cluster.b.certificate(), old);
    await cluster.b.unit.reload();
    await eventually(async () => (await cluster.b.certificate()) !== old);
    assert.equal((await cluster.b.status()).main.pid, main.pid);
    await talk.talk('certificate renewed');
    await Promise.all([talk.hears('operator'), talk.hears('visitor')]);
  });

  test('with the cable between the hosts pulled, what is said arrives once and in order when it is back', async t => {
    t.after(() => cluster.network.plug());
    await cluster.network.unplug();
    const before = cluster.b.unit.log().length;
    await eventually(() => /"node-state".*"paused"/.test(cluster.b.unit.log().slice(before)), { within: 20_000 });
    assert.equal((await cluster.b.host.run(['chat-server', 'healthcheck'])).code, 2);
    await talk.talk('cable pulled');
    await talk.hears('visitor', 5_000);
    await cluster.network.plug();
    await talk.hears('operator');
    await bothRun();
    await talk.talk('cable back');
    await Promise.all([talk.hears('operator'), talk.hears('visitor')]);
  });

  test('with packets lost and nobody told, the operator goes on at the other node, and later comes back', async t => {
    t.after(() => cluster.network.undrop());
    await cluster.network.drop();
    await eventually(async () => (await cluster.b.state()) === 'paused', { within: 20_000, every: 100 });
    await talk.reconnect();
    assert.equal(await connections(cluster.a), 1, 'Nginx has led the operator to the master');
    await talk.talk('packets lost');
    await Promise.all([talk.hears('operator', 5_000), talk.hears('visitor', 5_000)]);
    await cluster.network.undrop();
    await bothRun();
    await eventually(async () => {
      await talk.reconnect();
      assert.equal(await connections(cluster.a), 0, 'the operator is back at the slave');
    });
    await talk.talk('packets again');
    await Promise.all([talk.hears('operator'), talk.hears('visitor')]);
  });

  test('a host is upgraded while the other serves, and goes back', async () => {
    const { host, node } = cluster.b;
    const release = path.join(path.dirname(host.root), 'unpacked release');
    await mustRun('cp', '-R', realpathSync(path.join(host.root, 'opt/chat-server/current')), release);
    const file = path.join(release, 'package.json');
    const { version: old } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
    writeFileSync(file, readFileSync(file, 'utf8').replace(`"version": "${old}"`, '"version": "99.0.0"'));

    const install = path.join(release, 'scripts/install.sh');
    for (const [command, version] of [
      ['upgrade', '99.0.0'],
      ['rollback', old],
    ] as const) {
      await mustRun(install, command, '--root', host.root);
      assert.equal(await cluster.b.unit.stop(), 0);
      await talk.talk(`before ${version}`);
      cluster.b.unit = await startUnit(host, node);
      assert.equal((await cluster.b.status()).version, version);
      await Promise.all([talk.hears('operator'), talk.hears('visitor')]);
    }
  });

  test('the master is killed: within 5 s the slave has its role', async t => {
    const killedMs = performance.now();
    await cluster.a.unit.kill();
    await eventually(async () => (await cluster.b.status()).role === 'master', { within: 5_000 });
    t.diagnostic(`the slave is master ${Math.round(performance.now() - killedMs)} ms after the kill`);
  });

  test('the conversation goes on through Nginx without the killed node', async () => {
    await talk.talk('master killed');
    await Promise.all([talk.hears('operator'), talk.hears('visitor')]);
  });

  test('ExecStartPost fails for a node that has ended, and only then', async () => {
    const waited = await cluster.a.host.run(['/bin/sh', '/opt/chat-server/current/packaging/wait-until-serving.sh', process.execPath], {
      env: { MAINPID: String(cluster.a.unit.pid) },
    });
    assert.deepEqual([waited.code, waited.stderr], [1, 'the node has ended: its last lines in the journal say why\n']);
  });

  test('a node started again after a kill serves, and both stop as asked by KillSignal', async () => {
    cluster.a.unit = await startUnit(cluster.a.host, cluster.a.node);
    assert.equal(cluster.a.unit.started.code, 0, cluster.a.unit.log());
    await bothRun();
    await talk.talk('master back');
    await Promise.all([talk.hears('operator'), talk.hears('visitor')]);
    await talk.stop();
    for (const place of [cluster.b, cluster.a]) assert.equal(await place.unit.stop(), 0, place.unit.log());
    const shown = await cluster.a.host.run(['chat-server', 'cluster', 'status', '--json']);
    assert.deepEqual((JSON.parse(shown.stdout) as { nodes: unknown[] }).nodes, [], 'both have left the registry');
  });

  /** WebSockets of a node. */
  async function connections(place: Place): Promise<number> {
    return (await place.status()).main.connections.current;
  }
});
