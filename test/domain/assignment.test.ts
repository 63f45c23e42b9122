import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { planAssignments } from '../../src/domain/assignment.ts';
import { worksIn } from '../../src/domain/operator.ts';
import { aChat, anOperator } from '../support/rows.ts';

describe('the assignment plan', () => {
  test('five chats and two operators of two: two each, one waits', () => {
    const operators = [anOperator({ id: 1, maxChats: 2 }), anOperator({ id: 2, maxChats: 2 })];
    const chats = [5, 4, 3, 2, 1].map(id => aChat({ id, createdUs: id }));
    assert.deepEqual(planAssignments(chats, operators, 5, 100), [
      { chatId: 1, operatorId: 1 },
      { chatId: 2, operatorId: 2 },
      { chatId: 3, operatorId: 1 },
      { chatId: 4, operatorId: 2 },
    ]);
  });

  test('a chat that nobody can take does not hold up the next one', () => {
    const chats = [aChat({ id: 1, createdUs: 1, departmentKey: 'nobody' }), aChat({ id: 2, createdUs: 2 })];
    assert.deepEqual(planAssignments(chats, [anOperator({ id: 1 })], 5, 100), [{ chatId: 2, operatorId: 1 }]);
  });

  test('for any queue and staff: nobody over his limit, nobody in a wrong department, the oldest first, nobody waits for whom there is room', () => {
    const department = fc.constantFrom(null, 'a', 'b');
    const chat = fc.record({ createdUs: fc.nat(1000), departmentKey: department, assignedOperatorId: fc.constantFrom(null, null, 99) });
    const operator = fc.record({
      load: fc.nat(4),
      maxChats: fc.constantFrom(null, 0, 1, 3),
      statusSort: fc.constantFrom('takes' as const, 'takes' as const, 'none' as const),
      departmentKeys: fc.subarray(['a', 'b']),
      disabled: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(chat, { maxLength: 30 }), fc.array(operator, { maxLength: 6 }), (someChats, someOperators) => {
        const chats = someChats.map((row, i) => aChat({ ...row, id: i + 1 }));
        const operators = someOperators.map((row, i) => anOperator({ ...row, id: i + 1 }));
        const plan = planAssignments(chats, operators, 2, 1000);
        const loads = new Map(operators.map(row => [row.id, row.load]));
        for (const { chatId, operatorId } of plan) {
          const to = operators[operatorId - 1]!;
          loads.set(operatorId, loads.get(operatorId)! + 1);
          assert.ok(!to.disabled && to.statusSort === 'takes' && worksIn(to, chats[chatId - 1]!.departmentKey));
          assert.ok(loads.get(operatorId)! <= (to.maxChats ?? 2));
        }
        assert.equal(new Set(plan.map(one => one.chatId)).size, plan.length);
        const times = plan.map(one => chats[one.chatId - 1]!.createdUs);
        assert.deepEqual(
          times,
          [...times].sort((a, b) => a - b),
        );
        const left = chats.filter(row => row.assignedOperatorId === null && !plan.some(one => one.chatId === row.id));
        for (const row of left) {
          const free = operators.find(
            o => !o.disabled && o.statusSort === 'takes' && worksIn(o, row.departmentKey) && loads.get(o.id)! < (o.maxChats ?? 2),
          );
          assert.equal(free, undefined);
        }
      }),
    );
  });
});
