/** The command line on a real database: exit codes and the one sentence that people see. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { chatServer, freePort } from '../support/process.ts';
import { type SingleNode, startSingle } from '../support/single.ts';

describe('chat-server on the command line', () => {
  let single: SingleNode;

  before(async () => {
    single = await startSingle({ logins: ['anna'] });
  });

  after(() => single.stop());

  const run = (args: readonly string[], input = '') => chatServer(args, { cwd: single.folder.path, input });

  test('wrong usage is 64, with a hint', async () => {
    for (const args of [['dance'], ['start', '--surprise'], ['operator', 'add', '--login', 'x'], ['healthcheck', '--role', 'king']]) {
      const { code, stderr } = await run(args);
      assert.equal(code, 64, args.join(' '));
      assert.match(stderr, /error: /);
    }
    const { code, stderr } = await run(['operator', 'add', '--login', 'anna', '--fullname', 'Anna'], 'long enough\n');
    assert.deepEqual([code, stderr.trim()], [64, "login 'anna' is taken"]);
    assert.equal((await run(['operator', 'add', '--login', 'bob', '--fullname', 'Bob'], 'short\n')).code, 64);
  });

  test('--help and --version are 0', async () => {
    for (const args of [['--help'], ['--version'], ['operator', '--help']]) assert.equal((await run(args)).code, 0);
  });

  test('configuration faults are 78, all at once', async () => {
    const { code, stderr } = await run(['--node_name', 'chat-mastr', '--multinode_mode', 'boss', '--port', 'many']);
    assert.equal(code, 78);
    assert.ok(stderr.trim().split('\n').length >= 3, stderr);
    assert.doesNotMatch(stderr, /\bat /, 'no stack trace');
  });

  test('a taken port is 69 and a sentence that names port, key and flag', async () => {
    const port = await freePort();
    const blocker = net.createServer().listen(port, '127.0.0.1');
    await single.node.stop();
    const { code, stderr } = await run(['start', '--port', String(port)]);
    blocker.close();
    assert.equal(code, 69);
    assert.equal(stderr.trim(), `port ${port} on 127.0.0.1 is taken by another program: change 'port' in main.ini or start with --port`);
  });

  test('operators and departments are added and listed', async () => {
    assert.equal((await run(['department', 'add', '--key', 'sales', '--name', 'Sales'])).code, 0);
    assert.equal((await run(['department', 'add', '--key', 'sales', '--name', 'Sales'])).code, 64);
    const added = await run(
      ['operator', 'add', '--login', 'carl', '--fullname', 'Carl', '--departments', 'sales', '--roles', 'operator,supervisor'],
      'long enough\n',
    );
    assert.match(added.stdout, /^\d+\n$/);
    const operators = JSON.parse((await run(['operator', 'list', '--json'])).stdout) as {
      login: string;
      departmentKeys: string[];
      roles: string[];
    }[];
    const carl = operators.find(operator => operator.login === 'carl');
    assert.deepEqual([carl?.departmentKeys, carl?.roles], [['sales'], ['operator', 'supervisor']]);
    assert.doesNotMatch(JSON.stringify(operators), /password|scrypt/);
    const departments = JSON.parse((await run(['department', 'list', '--json'])).stdout) as { key: string }[];
    assert.deepEqual(
      departments.map(department => department.key),
      ['sales'],
    );
    assert.equal((await run(['operator', 'passwd', '--login', 'carl'], 'another one\n')).code, 0);
    assert.equal((await run(['operator', 'passwd', '--login', 'nobody'], 'another one\n')).code, 64);
  });

  test('migrate, cluster status and healthcheck', async () => {
    assert.equal((await run(['migrate'])).stdout.trim(), 'the schema is up to date');
    const status = JSON.parse((await run(['cluster', 'status', '--json'])).stdout) as { revision: string; nodes: unknown[] };
    assert.match(status.revision, /^\d+$/);
    assert.equal((await run(['healthcheck', '--port', String(await freePort())])).code, 2);
  });

  test('a database that refuses the login or does not exist is 78 and says which', async () => {
    const { code, stderr } = await chatServer(['operator', 'list'], { cwd: single.folder.path, env: { CHAT_DB_NAME: 'no_such_database' } });
    assert.equal(code, 78);
    assert.match(stderr, /database "no_such_database" does not exist: create it, or check db_name: createdb /);
  });
});
