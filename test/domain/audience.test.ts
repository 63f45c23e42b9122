import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { canSee, hearersOf, topicsOfOperator } from '../../src/domain/audience.ts';
import { bearerOf } from '../../src/domain/chat.ts';
import { aChat, anOperator } from '../support/rows.ts';

describe('the audience of a change', () => {
  test('for any chat before and after, every operator hears exactly what his view of it requires', () => {
    const operator = fc.record({ departmentKeys: fc.subarray(['a', 'b']), roles: fc.subarray(['supervisor' as const, 'admin' as const]) });
    const chat = fc.record({
      state: fc.constantFrom('queue' as const, 'chatting' as const, 'closed' as const),
      operatorId: fc.constantFrom(null, 1, 2),
      assignedOperatorId: fc.constantFrom(null, 1, 2),
      departmentKey: fc.constantFrom(null, 'a', 'b'),
    });
    fc.assert(
      fc.property(fc.array(operator, { minLength: 3, maxLength: 3 }), fc.option(chat), chat, (staff, from, to) => {
        const operators = new Map(staff.map((row, i) => [i + 1, anOperator({ ...row, id: i + 1 })]));
        const before = from === null || from.state === 'closed' ? undefined : aChat(from);
        const after = aChat(to);
        const hearers = hearersOf(before, after, operators);
        for (const who of operators.values()) {
          const topics = new Set(topicsOfOperator(who));
          const heard = hearers.find(hearer => topics.has(hearer.topic))?.hearing;
          const saw = before !== undefined && canSee(who, before);
          const sees = canSee(who, after);
          const becomesOwn = sees && bearerOf(after) === who.id && bearerOf(before) !== who.id;
          const moved = before?.departmentKey !== after.departmentKey;
          if (becomesOwn) assert.equal(heard, 'own');
          else if (saw && sees) assert.ok(heard === 'upd' || (moved && heard === 'add'), `${heard}`);
          else if (sees) assert.ok(heard === 'add' || heard === 'upd', `${heard}`);
          else if (saw) assert.equal(heard, 'del');
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
