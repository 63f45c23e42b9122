/** Where a line begins with its priority: in the journal of systemd, and nowhere else. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { folderWith } from '../config/support.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** Runs what systemd would run with both streams in one file; `stream` makes JOURNAL_STREAM of that file. */
function linesOf(t: TestContext, args: readonly string[], stream: (id: string) => string | undefined, files = {}): string[] {
  const folder = folderWith(t, { output: '', ...files });
  const descriptor = openSync(path.join(folder, 'output'), 'a');
  const { dev, ino } = fstatSync(descriptor, { bigint: true });
  const journal = stream(`${dev}:${ino}`);
  spawnSync(process.execPath, ['--import', import.meta.resolve('tsx'), ...args], {
    cwd: folder,
    env: { ...process.env, ...(journal === undefined ? {} : { JOURNAL_STREAM: journal }) },
    stdio: ['ignore', descriptor, descriptor],
  });
  closeSync(descriptor);
  return readFileSync(path.join(folder, 'output'), 'utf8').trimEnd().split('\n');
}

const LOGS = [
  '--input-type=module',
  '-e',
  `import { createLog } from '${ROOT}/src/system/log.ts'; const log = createLog({ level: 'debug', node: 'n', mode: 'slave' });
   log.error('a'); log.warn('b'); log.info('c'); log.debug('d');`,
];
/** A node that cannot start, for two reasons. */
const REFUSED = [path.join(ROOT, 'src/main.ts'), 'start', '--port', 'many', '--node_name', 'n'];

const eventOf = (line: string): unknown => (JSON.parse(line.replace(/^<\d>/, '')) as { event: unknown }).event;

describe('lines for the journal', () => {
  test('begin with the priority of their level when standard output is the journal', t => {
    const lines = linesOf(t, LOGS, id => id);
    assert.deepEqual(
      lines.map(line => [line.slice(0, 3), eventOf(line)]),
      [
        ['<3>', 'a'],
        ['<4>', 'b'],
        ['<6>', 'c'],
        ['<7>', 'd'],
      ],
    );
  });

  for (const [where, stream] of [
    ['without systemd', () => undefined],
    ['in a file that a unit writes itself', (id: string) => `${id}7`],
    ['with a variable that is nonsense', () => 'journal'],
    ['with an empty variable', () => ''],
  ] as const) {
    test(`are bare JSON ${where}`, t => {
      assert.ok(linesOf(t, LOGS, stream).every(line => line.startsWith('{"time"')));
    });
  }

  test('say why a node does not start in the same form as all others, each reason in one line of its own', t => {
    const lines = linesOf(t, REFUSED, id => id);
    assert.ok(lines.length >= 2);
    for (const line of lines) {
      assert.match(line, /^<3>\{/);
      const { level, node, event, exitCode } = JSON.parse(line.slice(3)) as Record<string, unknown>;
      assert.deepEqual([level, node, event, exitCode], ['error', 'n', 'node-ends', 78]);
    }
    assert.match(lines.join('\n'), /port \(--port\): 'many' must be an integer/);
  });

  test('elsewhere the reasons stand among the lines too, and once in words for a person', t => {
    const lines = linesOf(t, REFUSED, () => undefined);
    const said = lines.filter(line => line.startsWith('{')).map(line => (JSON.parse(line) as { reason: string }).reason);
    assert.deepEqual([...said].sort(), lines.filter(line => !line.startsWith('{')).sort());
  });

  test('a command writes no log, only its sentence', t => {
    const lines = linesOf(t, [path.join(ROOT, 'src/main.ts'), 'check-config', '--port', 'many'], id => id);
    assert.deepEqual(lines, ["port (--port): 'many' must be an integer from 0 to 65535"]);
  });
});
