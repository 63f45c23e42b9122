/**
 * A switch with two hosts and this process on it. The switch is a bridge in a network namespace of its own, so that a
 * cable can be pulled out of it: the host then loses its carrier and keeps its address, as with a real one.
 */
import { spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { type Host, mustRun } from './host.ts';

export interface Network {
  /** Of the two hosts, in the order in which they were given. */
  readonly addresses: readonly [string, string];
  /** This process's own. */
  readonly address: string;
  readonly range: string;
  /** Pulls the second host's cable. */
  unplug(): Promise<void>;
  /** No harm when it is in. */
  plug(): Promise<void>;
  /** Between the two hosts nothing arrives any more, and nobody is told; this process still reaches both. */
  drop(): Promise<void>;
  /** No harm when nothing is dropped. */
  undrop(): Promise<void>;
  stop(): Promise<void>;
}

export async function startNetwork(one: Host, two: Host): Promise<Network> {
  const lan = spawn('unshare', ['--net', 'sh', '-c', 'echo up; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = new Promise<void>(resolve => lan.once('exit', () => resolve()));
  await new Promise(resolve => lan.stdout.once('data', resolve));
  const inside = (pid: number, ...command: string[]): Promise<string> => mustRun('nsenter', '-t', String(pid), '-n', ...command);
  const ip = (pid: number, words: string): Promise<string> => inside(pid, 'ip', ...words.split(' '));
  const [lanPid, onePid, twoPid] = [lan.pid ?? 0, one.pid, two.pid];

  // 198.18.0.0/15 is set aside for tests of networks: no route of this machine should lead there.
  const prefix = `198.${randomInt(18, 20)}.${randomInt(256)}`;
  const address = `${prefix}.1`;
  const addresses = [`${prefix}.11`, `${prefix}.12`] as const;
  const ours = `tandem${randomBytes(4).toString('hex')}`;
  const stop = async (): Promise<void> => {
    lan.stdin.end(); // with the namespace go both ends of each pair
    await exited;
  };
  try {
    await ip(lanPid, 'link add lan type bridge');
    await ip(lanPid, 'link set lan up');
    await mustRun('ip', ...`link add ${ours} type veth peer name tester netns ${lanPid}`.split(' '));
    await ip(lanPid, `link add one type veth peer name eth0 netns ${onePid}`);
    await ip(lanPid, `link add two type veth peer name eth0 netns ${twoPid}`);
    for (const port of ['tester', 'one', 'two']) {
      await ip(lanPid, `link set ${port} master lan`);
      await ip(lanPid, `link set ${port} up`);
    }
    for (const [pid, own] of [
      [onePid, addresses[0]],
      [twoPid, addresses[1]],
    ] as const) {
      await ip(pid, `addr add ${own}/24 dev eth0`);
      await ip(pid, 'link set eth0 up');
    }
    await mustRun('ip', 'addr', 'add', `${address}/24`, 'dev', ours);
    await mustRun('ip', 'link', 'set', ours, 'up');
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    addresses,
    address,
    range: `${prefix}.0/24`,
    async unplug() {
      await ip(lanPid, 'link set two down');
    },
    async plug() {
      await ip(lanPid, 'link set two up');
    },
    async drop() {
      for (const [pid, other] of [
        [onePid, addresses[1]],
        [twoPid, addresses[0]],
      ] as const)
        await inside(
          pid,
          'nft',
          `add table ip cut; add chain ip cut in { type filter hook input priority 0; }; add rule ip cut in ip saddr ${other} drop`,
        );
    },
    async undrop() {
      for (const pid of [onePid, twoPid]) await inside(pid, 'nft', 'add table ip cut; delete table ip cut');
    },
    stop,
  };
}
