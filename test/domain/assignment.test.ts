import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { planAssignments } from '../../src/domain/assignment.ts';
import { chosenBy, packRecord, unpackRecord } from '../../src/domain/assignment-record.ts';
import type { Chat } from '../../src/domain/chat.ts';
import { comparePlaces, SubQueues } from '../../src/domain/sub-queue.ts';
import { isSpoken, type AssignmentRules, obstacleOf, mustWaitFor } from '../../src/domain/eligibility.ts';
import type { Department } from '../../src/domain/department.ts';
import type { Operator } from '../../src/domain/operator.ts';
import { whyWaiting } from '../../src/domain/waiting.ts';
import { aChat, anOperator, someRules } from '../support/rows.ts';

const NOW = 1_700_000_100_000_000;

function plan(chats: readonly Chat[], operators: readonly Operator[], rules: Partial<AssignmentRules> = {}) {
  const queues = new SubQueues();
  for (const chat of chats) queues.update(undefined, chat);
  return [...planAssignments(queues, operators, someRules(rules), NOW)];
}

const pairs = (planned: ReturnType<typeof plan>) => planned.map(({ chatId, operatorId }) => [chatId, operatorId]);

const aDepartment = (overrides: Partial<Department>): Department => ({
  key: 'sales',
  id: 1,
  name: 'Sales',
  order: 0,
  assignmentMode: null,
  schedule: null,
  ...overrides,
});

describe('the assignment plan', () => {
  test('five chats and two operators of two: two each, the newest waits', () => {
    const operators = [anOperator({ id: 1, maxChats: 2 }), anOperator({ id: 2, maxChats: 2 })];
    const planned = plan(
      [5, 4, 3, 2, 1].map(id => aChat({ id, createdUs: id })),
      operators,
    );
    assert.deepEqual(
      planned.map(({ chatId }) => chatId),
      [1, 2, 3, 4],
    );
    for (const id of [1, 2]) assert.equal(planned.filter(({ operatorId }) => operatorId === id).length, 2);
  });

  test('a sub-queue that cannot be placed does not hold up another', () => {
    const chats = [aChat({ id: 1, createdUs: 1, departmentKey: 'nobody' }), aChat({ id: 2, createdUs: 2 })];
    assert.deepEqual(pairs(plan(chats, [anOperator({ id: 1 })])), [[2, 1]]);
  });

  test('a chat begun on a page with a head start goes before older ones, by its seconds and no more', () => {
    const chats = [
      aChat({ id: 1, createdUs: 1_000_000 }),
      aChat({ id: 2, createdUs: 50_000_000 }),
      aChat({ id: 3, createdUs: 60_000_000, headStartSeconds: 30 }),
    ];
    assert.deepEqual(
      plan(chats, [anOperator({ maxChats: 3 })]).map(({ chatId }) => chatId),
      [1, 3, 2],
    );
  });

  test('the priority in the department decides before the number of chats, that before the tie-break', () => {
    const chat = aChat({ departmentKey: 'sales' });
    const base = { departmentKeys: ['sales'], langs: [] };
    const busyButFirst = anOperator({ ...base, id: 1, load: 4, priorities: { sales: 1 } });
    const idle = anOperator({ ...base, id: 2, load: 0, priorities: { support: 9 } });
    assert.deepEqual(pairs(plan([chat], [idle, busyButFirst])), [[1, 1]]);
    assert.deepEqual(pairs(plan([chat], [anOperator({ ...base, id: 3, load: 1 }), idle])), [[1, 2]]);
    const since = (id: number, loadUs: number) => anOperator({ ...base, id, loadUs });
    assert.deepEqual(pairs(plan([chat], [since(4, 20), since(5, 10), since(6, 30)], { tieBreak: 'idle' })), [[1, 5]]);
  });

  test('a random tie-break is fair: 1,000 single chats to four equals, each gets his share', () => {
    const got = new Map<number, number>();
    const operators = [1, 2, 3, 4].map(id => anOperator({ id }));
    for (let i = 0; i < 1_000; i++) {
      const queues = new SubQueues();
      queues.update(undefined, aChat({ id: i + 1 }));
      const [one] = planAssignments(queues, operators, someRules(), NOW + i * 1_234_567);
      got.set(one!.operatorId, (got.get(one!.operatorId) ?? 0) + 1);
    }
    for (const id of [1, 2, 3, 4]) assert.ok(Math.abs((got.get(id) ?? 0) - 250) < 80, `${id} got ${got.get(id)}`);
  });

  test('a visitor who comes back is given to his last operator, to another one if that one is away or full', () => {
    const chat = aChat({ lastOperatorId: 1 });
    const others = [anOperator({ id: 2 }), anOperator({ id: 3 })];
    assert.deepEqual(pairs(plan([chat], [anOperator({ id: 1, load: 4 }), ...others])), [[1, 1]]);
    for (const away of [
      anOperator({ id: 1, load: 5 }),
      anOperator({ id: 1, statusSort: 'none' }),
      anOperator({ id: 1, departmentKeys: [] }),
    ]) {
      const isAway = away.load === 5 || away.statusSort === 'none';
      const [one] = plan([{ ...chat, departmentKey: isAway ? null : 'x' }], [away, ...others.map(o => ({ ...o, departmentKeys: ['x'] }))]);
      assert.notEqual(one?.operatorId, 1);
    }
    assert.notEqual(plan([chat], [anOperator({ id: 1, load: 4 }), ...others], { lastOperatorFirst: false })[0]?.operatorId, 1);
  });

  test('who has declined is not asked for a while, then after all who have not; and chats behind are not held up', () => {
    const declined = [{ operatorId: 1, atUs: NOW - 10_000_000 }];
    const chat = aChat({ id: 1, createdUs: 1, declined });
    assert.deepEqual(pairs(plan([chat, aChat({ id: 2, createdUs: 2 })], [anOperator({ id: 1 })])), [[2, 1]]);
    const later = { ...chat, declined: [{ operatorId: 1, atUs: NOW - 60_000_000 }] };
    assert.deepEqual(pairs(plan([later], [anOperator({ id: 1 })])), [[1, 1]]);
    assert.deepEqual(pairs(plan([later], [anOperator({ id: 1 }), anOperator({ id: 2, load: 4 })])), [[1, 2]]);
  });

  test('a language is asked for where somebody speaks it, and is nobody’s else', () => {
    const [russian, german, any] = [
      anOperator({ id: 1, langs: ['ru'] }),
      anOperator({ id: 2, langs: ['de'] }),
      anOperator({ id: 3, load: 4 }),
    ];
    assert.deepEqual(pairs(plan([aChat({ lang: 'ru' })], [german, russian])), [[1, 1]]);
    assert.deepEqual(pairs(plan([aChat({ lang: 'ru' })], [german, { ...russian, statusSort: 'offline' }])), []);
    assert.deepEqual(
      pairs(plan([aChat({ lang: 'ru' })], [german, { ...russian, load: 5 }, any])),
      [[1, 3]],
      'who names no language answers in all',
    );
    assert.deepEqual(pairs(plan([aChat({ lang: 'fr' })], [german])), [[1, 2]]);
  });

  test('chats of a department in manual mode, or out of its hours, are not assigned; its mode wins over the default', () => {
    const chat = aChat({ departmentKey: 'sales' });
    const operators = [anOperator({ departmentKeys: ['sales'] })];
    const never = { zone: 'UTC', hours: [], holidays: [] };
    const departments = (department: Partial<Department>) => new Map([['sales', aDepartment(department)]]);
    assert.equal(plan([chat], operators, { departments: departments({ assignmentMode: 'manual' }) }).length, 0);
    assert.equal(plan([chat], operators, { departments: departments({ schedule: never }) }).length, 0);
    assert.equal(plan([chat], operators, { departments: departments({}), defaultMode: 'manual' }).length, 0);
    assert.equal(plan([chat], operators, { departments: departments({ assignmentMode: 'automatic' }), defaultMode: 'manual' }).length, 1);
    assert.equal(plan([chat], [{ ...operators[0]!, schedule: never }], { departments: departments({}) }).length, 0);
  });

  const department = fc.constantFrom(null, 'a', 'b');
  const someChats = fc.array(
    fc.record({
      createdUs: fc.nat(1000),
      departmentKey: department,
      lang: fc.constantFrom('', 'ru', 'fr'),
      offline: fc.boolean(),
      headStartSeconds: fc.constantFrom(0, 0, 1),
      assignedOperatorId: fc.constantFrom(null, null, 99),
      lastOperatorId: fc.constantFrom(null, 1, 2),
      declined: fc.constantFrom([], [{ operatorId: 1, atUs: NOW }], [{ operatorId: 2, atUs: 1 }]),
    }),
    { maxLength: 30 },
  );
  const someOperators = fc.array(
    fc.record({
      load: fc.nat(4),
      loadUs: fc.nat(100),
      maxChats: fc.constantFrom(null, 0, 1, 3),
      statusSort: fc.constantFrom('takes' as const, 'takes' as const, 'none' as const),
      departmentKeys: fc.subarray(['a', 'b']),
      priorities: fc.constantFrom({}, { a: 1 }, { b: 2 }),
      langs: fc.constantFrom([], ['ru'], ['de']),
      disabled: fc.boolean(),
    }),
    { maxLength: 6 },
  );

  test('for any queue and staff: nobody over his limit or in a wrong place, oldest first in each sub-queue, nobody waits for whom there is room', () => {
    fc.assert(
      fc.property(
        someChats,
        someOperators,
        fc.constantFrom('random' as const, 'idle' as const),
        (rowsOfChats, rowsOfOperators, tieBreak) => {
          const chats = rowsOfChats.map((row, i) => aChat({ ...row, id: i + 1 }));
          const operators = rowsOfOperators.map((row, i) => anOperator({ ...row, id: i + 1 }));
          const rules = someRules({ defaultMaxChats: 2, tieBreak });
          const planned = plan(chats, operators, { defaultMaxChats: 2, tieBreak });
          const loads = new Map(operators.map(row => [row.id, row.load]));
          const mayHave = (operator: Operator, chat: Chat): boolean =>
            obstacleOf({ ...operator, load: loads.get(operator.id)! }, { ...chat, isSpoken: isSpoken(chat, operators) }, rules, NOW) ===
              undefined && !mustWaitFor(chat, operator.id, rules, NOW);
          for (const { chatId, operatorId } of planned) {
            assert.ok(mayHave(operators[operatorId - 1]!, chats[chatId - 1]!), `${operatorId} may not have ${chatId}`);
            loads.set(operatorId, loads.get(operatorId)! + 1);
          }
          assert.equal(new Set(planned.map(one => one.chatId)).size, planned.length);
          const left = chats.filter(row => row.assignedOperatorId === null && !planned.some(one => one.chatId === row.id));
          for (const row of left)
            assert.equal(
              operators.find(operator => mayHave(operator, row)),
              undefined,
              `chat ${row.id} waits in vain`,
            );
          const place = (id: number): Chat => chats[id - 1]!;
          for (const [i, one] of planned.entries()) {
            for (const later of planned.slice(i + 1)) {
              const [a, b] = [place(one.chatId), place(later.chatId)];
              if (a.departmentKey === b.departmentKey && a.lang === b.lang && a.offline === b.offline)
                assert.ok(comparePlaces(a, b) < 0, 'oldest first');
            }
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test('the same decision follows from each record alone, and none is longer than 2 KB, with 500 operators too', () => {
    fc.assert(
      fc.property(
        someChats,
        someOperators,
        fc.constantFrom('random' as const, 'idle' as const),
        (rowsOfChats, rowsOfOperators, tieBreak) => {
          const chats = rowsOfChats.map((row, i) => aChat({ ...row, id: i + 1 }));
          const operators = rowsOfOperators.map((row, i) => anOperator({ ...row, id: i + 1 }));
          for (const { operatorId, record } of plan(chats, operators, { defaultMaxChats: 2, tieBreak })) {
            const kept = unpackRecord(packRecord(record));
            assert.deepEqual(kept, record);
            assert.equal(chosenBy(kept), operatorId);
          }
        },
      ),
      { numRuns: 500 },
    );
    const obstacles = [
      {},
      { statusSort: 'none' },
      { statusSort: 'offline' },
      { load: 99 },
      { disabled: true },
      { langs: ['de'] },
      { departmentKeys: ['b'] },
    ] as const;
    const many = Array.from({ length: 500 }, (_, i) =>
      anOperator({ id: 9_000_000_000 + i, departmentKeys: ['a'], langs: ['ru'], loadUs: NOW, ...obstacles[i % 7] }),
    );
    const declined = many
      .slice(0, 140)
      .filter((_, i) => i % 7 === 0)
      .map(({ id }) => ({ operatorId: id, atUs: NOW }));
    const [one] = plan([aChat({ departmentKey: 'a', lang: 'ru', declined })], many, { tieBreak: 'idle' });
    const text = JSON.stringify(one!.record);
    assert.ok(text.length <= 2_048, `${text.length} bytes`);
    assert.deepEqual(Object.keys(one!.record.removed).sort(), [
      'declined',
      'disabled',
      'full',
      'offline',
      'other-department',
      'other-language',
      'takes-none',
    ]);
  });

  test('10,000 chats and 500 operators are planned in a moment', t => {
    const chats = Array.from({ length: 10_000 }, (_, i) => aChat({ id: i + 1, createdUs: i }));
    const operators = Array.from({ length: 500 }, (_, i) => anOperator({ id: i + 1, maxChats: 20 }));
    const started = performance.now();
    const planned = plan(chats, operators);
    const ms = performance.now() - started;
    t.diagnostic(`${Math.round(ms)} ms`);
    assert.equal(planned.length, 10_000);
    assert.ok(ms < 5_000, `${ms} ms`);
  });
});

describe('why a chat waits', () => {
  const why = (operators: readonly Operator[], chat: Partial<Chat> = {}, rules: Partial<AssignmentRules> = {}) =>
    whyWaiting(aChat(chat), new Map(operators.map(o => [o.id, o])), someRules(rules), NOW)?.why;

  test('is said in the word of what is missing', () => {
    assert.equal(why([]), 'no-operator');
    assert.equal(why([anOperator({ statusSort: 'offline' })]), 'nobody-online');
    assert.equal(why([anOperator({ load: 5 }), anOperator({ id: 2, statusSort: 'none' })]), 'all-full');
    assert.equal(why([anOperator()], { declined: [{ operatorId: 1, atUs: NOW }] }), 'declined');
    assert.equal(why([anOperator()], {}, { defaultMode: 'manual' }), 'manual');
    assert.equal(why([anOperator()]), 'next');
    assert.equal(why([anOperator({ departmentKeys: ['a'] })], { departmentKey: 'b' }), 'no-operator');
    assert.equal(why([anOperator()], { assignedOperatorId: 1 }), undefined);
  });
});
