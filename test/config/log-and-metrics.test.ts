/** What a log line holds and never holds; what /metrics answers. Both are what an operator of the server reads. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { describe, test } from 'node:test';
import { createMetrics } from '../../src/system/metrics.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** The lines that `body` (a script that has `log`) writes to standard output of a process of its own. */
function logged(body: string, level = 'debug'): Record<string, unknown>[] {
  const script = `import { createLog } from './src/system/log.ts'; import { Secret } from './src/config/secret.ts';
    const log = createLog({ level: '${level}', node: 'chat-slave', mode: 'slave' }); void Secret; ${body}`;
  const output = execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { cwd: ROOT, encoding: 'utf8' });
  return output
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Record<string, unknown>);
}

describe('the log', () => {
  test('a line says when, how bad, who and what, then its fields', () => {
    const [line] = logged(`log.child({ component: 'rabbitmq' }).warn('bus-interrupted', { chatId: 7, big: 2n ** 60n });`);
    assert.deepEqual(Object.keys(line!), ['time', 'level', 'node', 'mode', 'event', 'component', 'chatId', 'big']);
    assert.match(String(line!['time']), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.deepEqual(
      { ...line, time: '' },
      {
        time: '',
        level: 'warn',
        node: 'chat-slave',
        mode: 'slave',
        event: 'bus-interrupted',
        component: 'rabbitmq',
        chatId: 7,
        big: '1152921504606846976',
      },
    );
  });

  test('a level leaves out what is less', () => {
    const lines = logged(`log.error('a'); log.warn('b'); log.info('c'); log.debug('d');`, 'warn');
    assert.deepEqual(
      lines.map(line => line['event']),
      ['a', 'b'],
    );
  });

  test('passwords, tokens, cookies and texts become *** at any depth', () => {
    const [line] = logged(`log.info('e', {
      text: 'x1', messageText: 'x2', db_password: 'x3', leaseToken: 4, context: 'kept', request: { headers: { Authorization: 'x5', cookie: 'x6' } },
      list: [{ clientSecret: 'x7' }], mq: new Secret('x8'),
    });`);
    assert.doesNotMatch(JSON.stringify(line), /x\d/);
    assert.deepEqual([line!['text'], line!['leaseToken'], line!['context'], line!['mq']], ['***', '***', 'kept', '***']);
    assert.deepEqual(line!['request'], { headers: { Authorization: '***', cookie: '***' } });
  });

  test('an error shows message, stack, code and cause', () => {
    const [line] = logged(
      `log.error('e', { error: Object.assign(new Error('a', { cause: new AggregateError([new Error('c')], 'b') }), { code: '40P01' }) });`,
    );
    const error = line!['error'] as {
      message: string;
      stack: string;
      code: string;
      cause: { message: string; errors: { message: string }[] };
    };
    assert.deepEqual([error.message, error.code, error.cause.message, error.cause.errors[0]?.message], ['a', '40P01', 'b', 'c']);
    assert.match(error.stack, /^Error: a\n/);
  });

  test('neither an object that holds itself nor a field named like the head breaks a line', () => {
    const [line] = logged(`const loop = {}; loop.loop = loop; log.info('e', { loop, level: 'x', event: 'y' });`);
    assert.deepEqual([line!['level'], line!['event']], ['info', 'e']);
  });
});

describe('metrics', () => {
  test('all names begin with chat_, those of the process too', async () => {
    const metrics = createMetrics();
    metrics.counter('messages_total', 'Messages').inc(2);
    metrics.gauge('sessions', 'Sessions', () => 3);
    metrics.histogram('commit_seconds', 'Commits', [0.1, 1]).observe(0.5);
    const lines = (await metrics.text()).split('\n').filter(line => line !== '' && !line.startsWith('#'));
    for (const line of ['chat_messages_total 2', 'chat_sessions 3', 'chat_commit_seconds_bucket{le="1"} 1'])
      assert.ok(lines.includes(line), line);
    assert.ok(lines.some(line => line.startsWith('chat_process_resident_memory_bytes ')));
    assert.ok(lines.every(line => line.startsWith('chat_')));
    assert.match(metrics.contentType, /^text\/plain/);
    assert.equal(await metrics.value('messages_total'), 2);
    assert.equal(await metrics.value('unheard_of'), 0);
  });

  test('a name that is created twice is the first one, and of one kind', () => {
    const metrics = createMetrics();
    assert.equal(metrics.counter('a', 'A'), metrics.counter('a', 'A'));
    assert.equal(
      metrics.gauge('b', 'B', () => 1),
      metrics.gauge('b', 'B'),
    );
    assert.equal(metrics.histogram('c', 'C', [1]), metrics.histogram('c', 'C', [1]));
    assert.throws(() => metrics.gauge('a', 'A'), { message: 'metric chat_a exists and is of another kind' });
  });

  test('two registries know nothing of each other', async () => {
    createMetrics().counter('a', 'A').inc();
    assert.equal(await createMetrics().value('a'), 0);
  });
});
