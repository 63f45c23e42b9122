/** What an administrator reads of an outage: few lines, each of them worth it, however many clients go on meanwhile. */
import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Cleanup } from '../support/cleanup.ts';
import { MASTER, SLAVE, startCluster, type TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { lasting } from '../support/faults/durations.ts';
import { SteadyOperator } from '../support/surely.ts';
import { Visitor } from '../support/visitor.ts';

const NODES = [MASTER, SLAVE];
const MAX_LINES = 10;

interface Line {
  readonly level: string;
  readonly event: string;
  readonly error?: { readonly stack?: string };
}

describe('the journal of an outage under traffic:', () => {
  const cleanup = new Cleanup();
  let cluster: TestCluster;

  before(async () => {
    cluster = cleanup.add(await startCluster({ proxied: true, operators: 4 }), it => it.stop());
    for (const [i, login] of cluster.logins.entries())
      cleanup.add(await SteadyOperator.start(cluster.node(NODES[i % 2]!).url, login), it => it.stop());
    const traffic = new AbortController();
    const talking = Promise.all(NODES.map(name => talk(name, traffic.signal)));
    cleanup.add(traffic, async () => {
      traffic.abort();
      await talking;
    });
  });
  after(() => cleanup.run());

  /** A visitor who writes whatever the answer is. */
  async function talk(name: string, signal: AbortSignal): Promise<void> {
    const { url } = cluster.node(name);
    const visitor = await Visitor.init(url);
    for (let i = 0; !signal.aborted; i++) {
      const body = new URLSearchParams({
        action: 'chat.message',
        message: `m${i}`,
        'client-side-id': `${name}-${i}`,
        ...visitor.credentials,
      });
      const sent = fetch(`${url}/l/v/m/action`, { method: 'POST', body }).then(answer => answer.text());
      await Promise.race([sent, wait(500)]).catch(() => undefined);
      await wait(50, undefined, { signal }).catch(() => undefined);
    }
  }

  /** The lines that each node writes from the outage until it is well again. */
  async function linesOf(t: TestContext, service: 'db' | 'mq', seconds: number): Promise<Map<string, Line[]>> {
    const isIn = (state: RegExp) => async (): Promise<boolean> =>
      (await Promise.all(NODES.map(name => cluster.node(name).status()))).every(status => state.test(status.state));
    await eventually(isIn(/^running$/), { within: 20_000 });
    const from = new Map(NODES.map(name => [name, cluster.node(name).log().length]));
    for (const name of NODES) await cluster.network(name)[service]?.close();
    await wait(lasting(seconds * 1_000, 60_000));
    assert.ok(await isIn(/^(paused|degraded)$/)(), 'the outage is noticed');
    for (const name of NODES) await cluster.network(name)[service]?.open();
    await eventually(isIn(/^running$/), { within: 20_000 });
    return new Map(
      NODES.map(name => {
        const text = cluster.node(name).log().slice(from.get(name));
        const lines = text.split('\n').filter(line => line.endsWith('}'));
        const serious = lines.map(line => JSON.parse(line) as Line).filter(({ level }) => level === 'warn' || level === 'error');
        t.diagnostic(`${name}: ${serious.map(({ event }) => event).join(', ')}`);
        return [name, serious];
      }),
    );
  }

  for (const [service, name, seconds] of [
    ['db', 'PostgreSQL', 12],
    ['mq', 'RabbitMQ', 6],
  ] as const) {
    test(`without ${name} each node writes at most ${MAX_LINES} lines of level warning or above, none of them with a stack`, async t => {
      for (const [node, lines] of await linesOf(t, service, seconds)) {
        assert.ok(lines.length >= 1, `${node} says nothing`);
        assert.ok(lines.length <= MAX_LINES, `${node} writes ${lines.length} lines:\n${JSON.stringify(lines, null, 1)}`);
        for (const line of lines) assert.equal(line.error?.stack, undefined, JSON.stringify(line));
      }
    });
  }
});
