/** install.sh and the unit under a real systemd: a version that does not do goes back by itself, and what is removed is gone. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { mqServer, withVirtualHost } from '../support/broker.ts';
import { Cleanup } from '../support/cleanup.ts';
import { createTestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import type { Ran } from '../support/hosts/host.ts';
import { PROJECT, startSystemdHost, type SystemdHost, whyNoSystemd } from '../support/hosts/systemd.ts';
import { freePort } from '../support/process.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const OPT = '/opt/chat-server';
const { version: FIRST } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string };

const skip = (await whyNoSystemd()) ?? false;

describe('a node under systemd', { skip }, () => {
  const cleanup = new Cleanup();
  let host: SystemdHost;
  let port: number;

  before(async () => {
    const database = cleanup.add(await createTestDatabase(), it => it.drop());
    const vhost = cleanup.add(await withVirtualHost(), it => it.delete());
    host = cleanup.add(await startSystemdHost(), it => it.stop());
    port = await freePort();
    const mq = mqServer();
    const ini = [
      `db_host = ${database.host}`,
      `db_port = ${database.port}`,
      `db_name = ${database.name}`,
      `db_username = ${database.user}`,
      ...(database.password === undefined ? [] : [`db_password = ${database.password}`]),
      `mq_host = ${mq.host}`,
      `mq_port = ${mq.port}`,
      `mq_virtual_host = ${vhost.name}`,
    ].join('\n');
    await must(
      'sh',
      '-c',
      `mkdir /root/files && cp "$2"/cluster.json /root/files && printf '%s\\n' "$1" > /root/files/main.ini`,
      'sh',
      ini,
      PROJECT,
    );
  });
  after(() => cleanup.run());

  async function must(...command: string[]): Promise<string> {
    const { code, stdout, stderr } = await host.run(...command);
    assert.equal(code, 0, `${command.join(' ')}: ${stderr}${stdout}`);
    return stdout;
  }
  const current = async (): Promise<string> => (await must('readlink', `${OPT}/current`)).trim();
  const releases = async (): Promise<string[]> => (await must('ls', OPT)).trim().split('\n');
  const running = async (): Promise<string> =>
    ((await (await fetch(`http://127.0.0.1:${port}/status`)).json()) as { version: string }).version;
  const pid = async (): Promise<string> => (await must('systemctl', 'show', '-P', 'MainPID', 'chat-server@chat-master')).trim();

  /** A version beside the checkout, unpacked as from its package, and changed by a line of shell. */
  async function unpack(version: string, change = 'true'): Promise<string> {
    const folder = `/root/${version}`;
    await must('cp', '-R', '--link', `${OPT}/${FIRST}`, folder);
    await must('sh', '-c', `cd ${folder} && sed -i 's/"version": "[^"]*"/"version": "${version}"/' package.json && ${change}`);
    return `${folder}/scripts/install.sh`;
  }

  test('is installed, waits for no broker, and its lines have their priority in the journal', async () => {
    await must(
      `${PROJECT}/scripts/install.sh`,
      ...['install', '--node', 'chat-master', '--mode', 'master', '--port', String(port), '--config-from', '/root/files'],
    );
    assert.equal(await running(), FIRST);
    const ordered = await must('systemctl', 'show', '-P', 'After', 'chat-server@chat-master');
    assert.match(ordered, /postgresql\.service/);
    assert.doesNotMatch(ordered, /rabbitmq/);
    const lines = (await must('journalctl', '-u', 'chat-server@chat-master', '-o', 'json', '--output-fields=PRIORITY,MESSAGE'))
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as { PRIORITY: string; MESSAGE: string })
      .filter(({ MESSAGE }) => MESSAGE.startsWith('{'));
    const levels = { error: '3', warn: '4', info: '6', debug: '7' } as const;
    assert.ok(lines.length > 0);
    for (const { PRIORITY, MESSAGE } of lines)
      assert.equal(PRIORITY, levels[(JSON.parse(MESSAGE) as { level: keyof typeof levels }).level], MESSAGE);
  });

  const upgrade = async (script: string, ...args: string[]): Promise<Ran> => host.run(script, 'upgrade', '--wait', '5', ...args);

  test('is not touched by a version that refuses the configuration: 78', async () => {
    const before = await pid();
    const script = await unpack(
      '77.0.0',
      `sed -i '1a if (process.argv.includes("check-config")) { console.error("main.ini:1: no"); process.exit(78); }' dist/main.js`,
    );
    const { code, stderr } = await upgrade(script);
    assert.equal(code, 78, stderr);
    assert.match(stderr, /main\.ini:1: no\n.*version 77\.0\.0 refuses the configuration in \/etc\/chat-server.*nothing was changed/s);
    assert.deepEqual([await current(), await pid(), await releases()], [FIRST, before, [FIRST, 'current']]);
  });

  // Each takes two restarts; the one that is told apart least is tried in `npm run faults`.
  const ends = [
    'ends at once',
    '78.0.0',
    `sed -i '1a if (process.argv.includes("--node_name") && process.argv[2] === "--config") process.exit(70);' dist/main.js`,
  ] as const;
  for (const [name, version, change] of [
    ...(process.env['FAULTS'] === 'real' ? [ends] : []),
    [
      'lives and does not serve',
      '79.0.0',
      `sed -i '1a if (process.argv[2] === "--config") await new Promise(() => setInterval(() => 0, 1000));' dist/main.js &&
       sed -i 's/^WAIT_SECONDS=.*/WAIT_SECONDS=1/' packaging/wait-until-serving.sh`,
    ],
    ['has a unit that systemd refuses', '80.0.0', `sed -i 's/^ExecStart=.*/ExecStart=nowhere/' packaging/chat-server@.service`],
  ] as const) {
    test(`goes back by itself from a version that ${name}: 75`, async () => {
      const { code, stdout, stderr } = await upgrade(await unpack(version, change));
      assert.equal(code, 75, stdout + stderr);
      assert.match(stdout, /chat-master does not serve; why: journalctl -u chat-server@chat-master/);
      assert.match(stderr, new RegExp(`version ${version} did not serve: ${FIRST} runs again`.replaceAll('.', '\\.')));
      assert.deepEqual([await current(), await running(), await releases()], [FIRST, FIRST, [FIRST, 'current']]);
    });
  }

  test('runs the new version, keeps the one before alone, goes back to it, and stays there', async () => {
    await must('sh', '-c', `mkdir ${OPT}/0.0.1 && touch ${OPT}/0.0.1/.tandem-release`);
    const { code, stdout, stderr } = await upgrade(await unpack('82.0.0'));
    assert.equal(code, 0, stdout + stderr);
    assert.equal(await running(), '82.0.0');
    assert.deepEqual(await releases(), [FIRST, '82.0.0', 'current', 'previous']);
    await must(`${OPT}/current/scripts/install.sh`, 'rollback');
    assert.equal(await running(), FIRST);
    const before = await pid();
    assert.match(await must('/root/82.0.0/scripts/install.sh', 'rollback'), /, the version before, already/);
    assert.deepEqual([await current(), await pid()], [FIRST, before]);
  });

  test('is installed again without another version coming in by that', async () => {
    const arguments_ = ['install', '--node', 'chat-master', '--mode', 'master', '--config-from', '/root/files'];
    assert.match(await must('/root/82.0.0/scripts/install.sh', ...arguments_), /stays: upgrade changes the version/);
    assert.deepEqual([await current(), await running()], [FIRST, FIRST]);
  });

  test('is uninstalled, then purged, then purged again', async () => {
    const script = '/root/82.0.0/scripts/install.sh';
    await must(script, 'uninstall');
    await eventually(() => assert.rejects(running()));
    assert.equal((await host.run('sh', '-c', `ls -d ${OPT} /etc/systemd/system/*.wants/chat-server@*`)).stdout, '');
    await must('test', '-f', '/etc/chat-server/main.ini');
    for (const _ of [1, 2]) await must(script, 'uninstall', '--purge');
    assert.equal((await host.run('ls', '-d', '/etc/chat-server', '/var/lib/chat-server', '/etc/sysusers.d/chat-server.conf')).stdout, '');
    assert.notEqual((await host.run('id', 'chat-server')).code, 0);
    assert.equal((await host.run(script, 'rollback')).code, 64);
    assert.equal((await host.run(script, 'upgrade')).code, 64);
  });
});
