/** What the cluster page makes of answers: rates, and how the cluster is in a sentence. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { headlineOf } from '../../src/web/cluster/headline.ts';
import { type Histories, pointsOf, rateOf, remember } from '../../src/web/cluster/rates.ts';
import { type ClusterNode, handOverTarget, type Overview } from '../../src/web/cluster/wire.ts';
import { en } from '../../src/web/cluster/words/en.ts';
import { ru } from '../../src/web/cluster/words/ru.ts';
import { zh } from '../../src/web/cluster/words/zh.ts';

const NODE: ClusterNode = {
  node: 'a',
  mode: 'master',
  role: 'master',
  state: 'running',
  reason: null,
  host: 'h',
  pid: 1,
  port: 1,
  version: '1',
  revision: '1',
  lag: 0,
  seenSecondsAgo: 0,
  startedAt: '2026-01-01T00:00:00Z',
  differs: [],
  stats: { connections: 0, wsConnections: 0, messagesTotal: 0, restCallsTotal: 0, cpuPercent: 0, memoryBytes: 0 },
};
const SLAVE: ClusterNode = { ...NODE, node: 'b', mode: 'slave', role: 'slave' };

function overviewOf(nodes: readonly ClusterNode[], more: Partial<Overview> = {}): Overview {
  return {
    leader: 'a',
    lease: { holder: 'a', token: 1, expiresInMs: 4_000, reason: 'start', promoted: false },
    revision: '1',
    transport: 'rabbitmq',
    database: { host: 'h', version: '15', connections: 1, sizeBytes: 1, isReplica: false },
    broker: { transport: 'rabbitmq', connected: true, host: 'h' },
    nodes,
    ...more,
  };
}

function withTotals(messagesTotal: number, more: Partial<ClusterNode> = {}): ClusterNode {
  return { ...NODE, ...more, stats: { ...NODE.stats!, messagesTotal } };
}

describe('rates', () => {
  /** One answer a second. */
  const seen = (answers: readonly ClusterNode[]): Histories =>
    answers.reduce<Histories>((histories, node, i) => remember(histories, [node], i * 1_000 + 1_000_000), new Map());

  test('are the mean of five seconds, and a point for each second', () => {
    const history = seen([0, 10, 20, 30, 40, 50, 60, 130].map(total => withTotals(total))).get('a');
    assert.equal(rateOf(history, 'messages'), (130 - 20) / 5);
    assert.deepEqual(
      pointsOf(history, 'messages').map(({ perSecond }) => perSecond),
      [10, 10, 10, 10, 10, 10, 70],
    );
    assert.equal(rateOf(history, 'restCalls'), 0);
  });

  test('are told of the time of the heartbeat, not of the answer: one that is seen twice is one', () => {
    const history = seen([
      withTotals(0, { seenSecondsAgo: 0.9 }),
      withTotals(0, { seenSecondsAgo: 1.9 }), // the same one
      withTotals(200, { seenSecondsAgo: 0.9 }),
    ]).get('a');
    assert.deepEqual(
      pointsOf(history, 'messages').map(({ perSecond }) => perSecond),
      [100],
    );
  });

  test('begin anew with a new run of the node, and are not known from one answer', () => {
    const history = seen([withTotals(1_000), withTotals(2_000), withTotals(5, { startedAt: '2026-01-02T00:00:00Z' })]).get('a');
    assert.equal(rateOf(history, 'messages'), undefined);
    assert.deepEqual(pointsOf(history, 'messages'), []);
  });

  test('keep two minutes, of nodes that are there', () => {
    const histories = seen(Array.from({ length: 1_000 }, (_, i) => withTotals(i)));
    assert.ok((histories.get('a')?.samples.length ?? 0) <= 121);
    assert.deepEqual([...remember(histories, [SLAVE], 2_000_000).keys()], ['b']);
  });

  test('need figures: a node of an earlier version has none', () => {
    assert.deepEqual(seen([{ ...NODE, stats: null }]).get('a')?.samples, []);
  });
});

describe('the headline', () => {
  const say = (nodes: readonly ClusterNode[], more: Partial<Overview> = {}): [string, string] => {
    const { tone, text } = headlineOf(overviewOf(nodes, more), en);
    return [tone, text];
  };
  const promoted = { leader: 'b', lease: { holder: 'b', token: 2, expiresInMs: 4_000, reason: 'promoted', promoted: true } };

  test('says that everything runs, and who leads', () => {
    assert.deepEqual(say([NODE, SLAVE]), ['good', 'Everything runs: master a, 1 slave']);
    assert.deepEqual(say([NODE, SLAVE, { ...SLAVE, node: 'c' }]), ['good', 'Everything runs: master a, 2 slaves']);
    assert.deepEqual(
      say(
        [
          { ...NODE, role: 'standby' },
          { ...SLAVE, role: 'master' },
        ],
        promoted,
      ),
      ['good', 'Everything runs: master b (promoted), 1 standby'],
    );
    assert.deepEqual(say([{ ...NODE, mode: 'single', role: 'single' }]), ['good', 'Everything runs: a, a single node']);
  });

  test('names what is wrong, the worst decides the tone', () => {
    assert.deepEqual(say([NODE, { ...SLAVE, state: 'dead', seenSecondsAgo: 7.4 }]), [
      'bad',
      'b has not been heard of for 7 sec; a works alone: no other node could take over',
    ]);
    assert.deepEqual(say([NODE, { ...SLAVE, state: 'degraded', reason: 'bus: away' }]), ['warn', 'b is degraded: bus: away']);
    assert.deepEqual(say([NODE, SLAVE], { leader: null, lease: null })[0], 'bad');
    assert.deepEqual(say([NODE, SLAVE, { ...SLAVE, node: 'c', state: 'draining' }]), ['warn', 'c is drained: it takes no clients']);
    assert.deepEqual(say([NODE])[0], 'warn', 'nobody could take over');
    for (const state of ['paused', 'starting', 'something new']) assert.notEqual(say([NODE, { ...SLAVE, state }])[0], 'good', state);
  });

  test('is read aloud without what changes each second', () => {
    const at = (seenSecondsAgo: number): string => headlineOf(overviewOf([NODE, { ...SLAVE, state: 'dead', seenSecondsAgo }]), en).spoken;
    assert.equal(at(7), at(99));
  });

  test('is said in each language', () => {
    const dead = overviewOf([NODE, { ...SLAVE, state: 'dead', seenSecondsAgo: 7 }]);
    assert.match(headlineOf(dead, ru).text, /^b не отвечает уже 7 с/);
    assert.match(headlineOf(dead, zh).text, /^b 已失去联系 7/);
    assert.equal(
      headlineOf(overviewOf([NODE, ...'bcdef'.split('').map(node => ({ ...SLAVE, node }))]), ru).text,
      'Всё работает: ведущий a, 5 ведомых',
    );
  });
});

test('a hand-over goes to the configured master when it is ready and does not lead for good already', () => {
  const lease = { holder: 'a', token: 1, expiresInMs: 1, reason: 'start', promoted: false };
  assert.equal(handOverTarget(overviewOf([NODE, SLAVE])), undefined);
  assert.equal(handOverTarget(overviewOf([NODE, SLAVE], { lease: { ...lease, holder: 'b' } }))?.node, 'a');
  assert.equal(handOverTarget(overviewOf([NODE, SLAVE], { lease: { ...lease, promoted: true } }))?.node, 'a');
  assert.equal(handOverTarget(overviewOf([{ ...NODE, state: 'draining' }, SLAVE], { lease: { ...lease, holder: 'b' } })), undefined);
});
