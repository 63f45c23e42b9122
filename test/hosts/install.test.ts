/** scripts/install.sh takes nothing away that is not its own. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { run, whyNoHosts } from '../support/hosts/host.ts';
import { Folder } from '../support/process.ts';

const INSTALL = path.resolve(import.meta.dirname, '../../scripts/install.sh');

const skip = (await whyNoHosts()) ?? false;

describe('install.sh on a host that has other things', { skip }, () => {
  const cleanup = new Cleanup();
  let root: string;
  before(() => {
    root = cleanup.add(new Folder(), it => it.remove()).path;
  });
  after(() => cleanup.run());

  const install = (command: string, ...args: string[]) => run(INSTALL, [command, '--root', root, ...args], {});
  const opt = (...names: string[]): string => path.join(root, 'opt/chat-server', ...names);

  test('refuses a folder of its name that is not its own, and leaves it as it is', async () => {
    mkdirSync(opt('data'), { recursive: true });
    writeFileSync(opt('data/precious'), 'of somebody else');
    const refused = await install('install', '--node', 'chat-master', '--mode', 'master');
    assert.equal(refused.code, 64, refused.stderr);
    assert.match(refused.stderr, /is not empty and not ours: move it away first/);
    assert.deepEqual(readdirSync(opt()), ['data']);
    assert.ok(existsSync(opt('data/precious')));
  });

  test('removes only releases of its own, also when it goes', async () => {
    const away = path.join(root, 'opt/away');
    mkdirSync(away);
    const moved = await run('mv', [opt('data'), away], {});
    assert.equal(moved.code, 0);
    const installed = await install('install', '--node', 'chat-master', '--mode', 'master');
    assert.equal(installed.code, 0, installed.stderr);
    mkdirSync(opt('backup'));
    writeFileSync(opt('backup/precious'), 'of an administrator');
    const upgraded = await install('upgrade');
    assert.equal(upgraded.code, 0, upgraded.stderr);
    assert.ok(existsSync(opt('backup/precious')));
    assert.ok(existsSync(opt('current/dist/main.js')));
    const gone = await install('uninstall');
    assert.equal(gone.code, 0, gone.stderr);
    assert.deepEqual(readdirSync(opt()), ['backup']);
    assert.ok(existsSync(path.join(root, 'etc/chat-server/main.ini')), 'the configuration stays');
  });
});
