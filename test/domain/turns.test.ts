/** Dear work in turns: never more at once than may be, of nobody more than his share, and who asks too often waits for himself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Turns } from '../../src/sessions/turns.ts';

const tick = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

test('however many come, so many run at once, so many of each, the rest in order of coming, and all places are free afterwards', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 40 }), async keys => {
      const turns = new Turns({ atOnce: 3, ofEach: 2, waiting: 12, waitingOfEach: 5, maxWaitMs: 10_000 });
      const running: number[] = [];
      const begun: number[][] = [[], [], [], []];
      let refused = 0;
      await Promise.all(
        keys.map(async (key, i) => {
          const leave = await turns.enter(String(key));
          if (leave === undefined) {
            refused += 1;
            return;
          }
          running.push(key);
          begun[key]?.push(i);
          assert.ok(running.length <= 3, `${running.length} at once`);
          assert.ok(running.filter(it => it === key).length <= 2, 'of one person');
          await tick();
          running.splice(running.indexOf(key), 1);
          leave();
        }),
      );
      for (const list of begun)
        assert.deepEqual(
          list,
          [...list].sort((a, b) => a - b),
          'each in his own order',
        );
      assert.equal(begun.flat().length + refused, keys.length);
      const most = Math.max(...[0, 1, 2, 3].map(key => keys.filter(it => it === key).length));
      if (keys.length <= 7 && most <= 7) assert.equal(refused, 0);
      assert.deepEqual([turns.running, turns.waiting], [0, 0]);
    }),
  );
});

test('who fills the queue does not keep others from it, and nobody waits longer than he may', async () => {
  const turns = new Turns({ atOnce: 1, ofEach: 1, waiting: 10, waitingOfEach: 2, maxWaitMs: 50 });
  const leave = await turns.enter('greedy');
  const greedy = Array.from({ length: 20 }, () => turns.enter('greedy'));
  const other = turns.enter('other');
  assert.equal(turns.waiting, 3);
  assert.deepEqual(new Set(await Promise.all([...greedy, other])), new Set([undefined]), 'too late, all of them');
  assert.equal(turns.waiting, 0);
  leave?.();
  assert.notEqual(await turns.enter('other'), undefined);
});
