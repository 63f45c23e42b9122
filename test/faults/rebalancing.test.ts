/** f46: a node more or less in Nginx's list moves about one session in N, and nobody is restarted. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import path from 'node:path';
import { Cleanup } from '../support/cleanup.ts';
import { eventually } from '../support/eventually.ts';
import { startNginx } from '../support/nginx.ts';

const SESSIONS = 600;
const SLAVES = ['8261', '8262', '8263'];

describe('sessions and their home slaves', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  test('f46 a slave taken out moves only its own sessions, put back only those come home', async t => {
    // Only Nginx is under test: each "node" answers with its own name.
    const nodes: Record<string, number> = {};
    for (const name of ['8260', ...SLAVES]) {
      const server = http.createServer((_request, response) => response.end(name));
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
      cleanup.add(server, it => void it.close());
      nodes[name] = (server.address() as { port: number }).port;
    }
    const nginx = cleanup.add(await startNginx({ site: 'chat-slaves.conf', nodes }), it => it.stop());
    const pages = Array.from({ length: SESSIONS }, (_, i) => `${i.toString(16).padStart(8, '0')}abcdef`);
    const homes = async (): Promise<string[]> => {
      const found: string[] = [];
      for (const page of pages) found.push(await (await fetch(`${nginx.url}/l/v/m/delta?page-id=${page}&since=1`)).text());
      return found;
    };
    const before = await homes();
    for (const slave of SLAVES) {
      const share = before.filter(home => home === slave).length / SESSIONS;
      assert.ok(share > 0.15 && share < 0.55, `${slave} has ${share}`);
    }

    const site = path.join(nginx.folder, 'site.conf');
    const text = readFileSync(site, 'utf8');
    const line = new RegExp(`^.*127\\.0\\.0\\.1:${nodes['8263'] ?? 0} .*$`, 'gm');
    const reload = async (content: string): Promise<void> => {
      writeFileSync(site, content);
      const workers = (): string => readFileSync(`/proc/${nginx.pid}/task/${nginx.pid}/children`, 'utf8').trim();
      const old = workers();
      process.kill(nginx.pid, 'SIGHUP');
      await eventually(() => !workers().split(' ').includes(old));
    };
    await reload(text.replace(line, ''));
    const without = await homes();
    const moved = before.filter((home, i) => home !== without[i]);
    assert.ok(
      moved.every(home => home === '8263'),
      'only the sessions of the one that was taken out have moved',
    );
    assert.ok(!without.includes('8263'));
    t.diagnostic(`${moved.length} of ${SESSIONS} sessions moved when one of three slaves was taken out`);
    assert.ok(moved.length <= SESSIONS * 0.55);

    await reload(text);
    assert.deepEqual(await homes(), before, 'and back when it is there again');
  });
});
