/** What the documents and the heads of files name is there: files, folders, tests. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';

const ROOT = path.resolve(import.meta.dirname, '../..');
const read = (name: string): string => readFileSync(path.join(ROOT, name), 'utf8');
const tracked = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' })
  .split('\n')
  .filter(name => name !== '' && existsSync(path.join(ROOT, name)));

/** `commit/commit-loop.ts` may be named from the root, from src/ or from beside the file that names it. */
function isThere(named: string, from: string): boolean {
  return ['.', 'src', 'test', path.dirname(from)].some(folder => existsSync(path.join(ROOT, folder, named)));
}

describe('places that are named', () => {
  const documents = tracked.filter(name => name.endsWith('.md') && name !== 'CHANGELOG.md');
  const sources = tracked.filter(name => /^(src|test|scripts)\/.*\.(ts|tsx|mjs)$/.test(name));

  /** What a pattern finds in the documents, and of it what is not there. */
  const namedIn = (pattern: RegExp, exists: (named: string, document: string) => boolean): { found: number; missing: string[] } => {
    const named = documents.flatMap(document => [...read(document).matchAll(pattern)].map(([name]) => ({ document, name })));
    return { found: named.length, missing: named.filter(it => !exists(it.name, it.document)).map(it => `${it.document}: ${it.name}`) };
  };

  test('in documents: every file', () => {
    const { found, missing } = namedIn(/(?<![\w/.-])[\w.-]+(?:\/[\w.-]+)+\.(?:ts|tsx|mjs|sh|md)\b/g, isThere);
    assert.ok(found > 50, String(found));
    assert.deepEqual(missing, []);
  });

  test('in documents: every test', () => {
    const ends = ['', '.ts', '.test.ts', '.pure.test.ts'];
    const { found, missing } = namedIn(/\btest\/[a-z]+(?:\/[\w-]+)?/g, named => ends.some(end => existsSync(path.join(ROOT, named + end))));
    assert.ok(found > 50, String(found));
    assert.deepEqual(missing, []);
  });

  test('in comments: every file of ours', () => {
    const folders = readdirSync(path.join(ROOT, 'src')).join('|');
    const ours = new RegExp(String.raw`\b(?:src|test|docs|${folders})/[\w./-]+\.(?:ts|tsx|md)\b`, 'g');
    const missing = sources.flatMap(source =>
      [...read(source).matchAll(/\/\*[\s\S]*?\*\/|\/\/ .*$/gm)]
        .flatMap(([comment]) => [...comment.matchAll(ours)].map(([named]) => named))
        .filter(named => !isThere(named, source))
        .map(named => `${source}: ${named}`),
    );
    assert.deepEqual(missing, []);
  });

  test('README tells where each folder of src is, and src has no loose file but main.ts', () => {
    const entries = readdirSync(path.join(ROOT, 'src'), { withFileTypes: true });
    assert.deepEqual(
      entries.filter(entry => entry.isFile()).map(({ name }) => name),
      ['main.ts'],
    );
    const table = read('README.md').split('## Where things are')[1] ?? '';
    for (const { name } of entries) assert.match(table, new RegExp(`\`src/${name}(/)?\``), name);
  });

  test('the walks of docs/architecture.md name at least one file of each room that they enter', () => {
    const [, message = '', status = '', assignment = ''] =
      /(## The walk of one message[\s\S]*?)(## The walk of a status[\s\S]*?)(## The walk of an assignment[\s\S]*?)\n## /.exec(
        read('docs/architecture.md'),
      )!;
    for (const [walk, rooms] of [
      [message, ['sessions', 'commands', 'commit', 'sync', 'delivery']],
      [status, ['http', 'sessions/operators', 'commands', 'commit', 'delivery', 'jobs']],
      [assignment, ['sync', 'jobs', 'domain', 'commands', 'delivery']],
    ] as const)
      for (const room of rooms) assert.match(walk, new RegExp(`\\b${room}/[\\w./-]+`), room);
  });
});
