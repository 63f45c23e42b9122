/** Two operators on two nodes take one chat at the same time: one wins, the other is told who (I1). */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { PASSWORD, startCluster, type TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { Operator } from '../support/operator.ts';
import { Visitor } from '../support/visitor.ts';

describe('two operators, two nodes, one chat', () => {
  const cleanup = new Cleanup();
  let cluster: TestCluster;
  let first: Operator;
  let second: Operator;

  before(async () => {
    cluster = cleanup.add(await startCluster({ operators: 2 }), it => it.stop());
    first = cleanup.add(await Operator.login(cluster.master.url, cluster.logins[0]!, PASSWORD), it => it.close());
    second = cleanup.add(await Operator.login(cluster.slave.url, cluster.logins[1]!, PASSWORD), it => it.close());
    // Invisible: the master gives them nothing, they take by hand.
    for (const operator of [first, second]) {
      await operator.setStatus('invisible');
      await operator.connect();
    }
  });

  after(() => cleanup.run());

  test('100 times one wins and the other learns who has it, over WebSocket and /l/o/action alike', async t => {
    const names = new Map([
      [first.fullUpdates[0]!.operator.id, 'Operator op1'],
      [second.fullUpdates[0]!.operator.id, 'Operator op2'],
    ]);
    const wins = new Map<Operator, number>();
    for (let round = 0; round < 100; round++) {
      const visitor = await Visitor.init(round % 2 === 0 ? cluster.master.url : cluster.slave.url);
      await visitor.send(`round ${round}`, `round-${round}`);
      const seen = (operator: Operator): number | undefined =>
        operator.deltas.filter(delta => delta.objectType === 'CHAT' && delta.event === 'add').map(delta => Number(delta.id))[round];
      const chatId = await eventually(() => {
        const [a, b] = [seen(first), seen(second)];
        assert.ok(a !== undefined && a === b);
        return a;
      });
      const take = (operator: Operator, byHttp: boolean) =>
        byHttp ? operator.action('chat.take', { chatId: String(chatId) }) : operator.request('chat.take', { chatId });
      const answers = await Promise.all([take(first, round % 3 === 0), take(second, round % 3 === 1)]);
      const [won, lost] = answers[0].result === 'ok' ? answers : [answers[1], answers[0]];
      assert.equal(won.result, 'ok');
      assert.equal(lost.error, 'chat-already-taken');
      if ('status' in lost) assert.equal(lost.status, 409);
      const winner = won === answers[0] ? first : second;
      const winnerId = winner.fullUpdates[0]!.operator.id;
      assert.deepEqual(lost.data, { operatorId: winnerId, fullname: names.get(winnerId) });
      wins.set(winner, (wins.get(winner) ?? 0) + 1);

      assert.equal((await take(winner, true)).result, 'ok', 'taking it again is no error');
      assert.equal((await winner.action('chat.close', { chatId: String(chatId) })).result, 'ok');
      const [row] = await cluster.database.query<{ operator_id: string; state: string }>(
        'select operator_id, state from chat where id = $1',
        [chatId],
      );
      assert.deepEqual({ ...row }, { operator_id: String(winnerId), state: 'closed_by_operator' });
    }
    t.diagnostic(`won: ${wins.get(first) ?? 0} at the master, ${wins.get(second) ?? 0} at the slave`);
  });
});
