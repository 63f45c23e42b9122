/** PostgreSQL as docs/two-hosts.md sets it up serves at an address that its host gets only after it has started, as at a slow boot. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chownSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { accountForRoot, binaries, environment } from '../../src/postgres/embedded.ts';
import { run } from '../support/hosts/host.ts';

const DOCS = readFileSync(path.resolve(import.meta.dirname, '../../docs/two-hosts.md'), 'utf8');
const ADDRESS = '10.99.0.11';

/** In a network of its own: first PostgreSQL, then the address. Ends well when something listens at both addresses. */
const BOOT = `
ip link set lo up
setpriv --reuid "$1" --regid "$2" --clear-groups "$3/bin/postgres" -D "$4" -c "listen_addresses=$5" -c port=5432 -c unix_socket_directories= &
listens() { (: > "/dev/tcp/$1/5432") 2> /dev/null; }
until listens 127.0.0.1; do kill -0 $! || exit 2; sleep 0.1; done
ip address add "$6/32" dev lo
listens "$6"
`;

const tried = await run('unshare', ['--net', '--pid', '--fork', 'ip', 'link', 'set', 'lo', 'up'], {});
const account = accountForRoot();
const skip = tried.code !== 0 || account === undefined ? `namespaces need root: ${tried.stderr.trim()}` : false;

test('the PostgreSQL of docs/two-hosts.md is reached at an address that its host gets later', { skip }, async t => {
  const [, listen = ''] = /listen_addresses = '(.*?)'/.exec(DOCS) ?? [];
  const { uid, gid } = account!;
  const home = mkdtempSync(path.join(tmpdir(), 'tandem-late-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  chownSync(home, uid, gid);
  const programs = binaries(home, account);
  const data = path.join(home, 'data');
  const env = environment(programs);
  const flags = ['-D', data, '-U', 'postgres', '-A', 'trust', '--locale=C', '--no-sync'];
  execFileSync(path.join(programs, 'bin/initdb'), flags, { ...account, cwd: home, env, stdio: ['ignore', 'ignore', 'pipe'] });
  const boot = async (addresses: string): Promise<number | null> => {
    const args = [String(uid), String(gid), programs, data, addresses, ADDRESS];
    return (
      await run('unshare', ['--net', '--pid', '--fork', '--kill-child', 'bash', '-c', BOOT, 'bash', ...args], {
        env,
        cwd: home,
        timeout: 60_000,
      })
    ).code;
  };
  assert.notEqual(listen, '');
  assert.equal(await boot(listen.replaceAll('$A', ADDRESS)), 0, `listen_addresses = '${listen}'`);
  assert.equal(await boot(`localhost,${ADDRESS}`), 1, 'the test notices an address that was left out');
});
