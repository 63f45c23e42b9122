/** When what an operator was asked is taken back: never what the plan would ask of them again. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isSpoken, obstacleOf } from '../../src/domain/eligibility.ts';
import type { Schedule } from '../../src/domain/schedule.ts';
import { whyWithdrawn } from '../../src/domain/withdrawal.ts';
import { aChat, anOperator, someRules } from '../support/rows.ts';

const OPEN: Schedule = { zone: 'UTC', hours: [{ days: [1, 2, 3, 4, 5, 6, 7], from: '00:00', to: '24:00' }], holidays: [] };
const NEVER: Schedule = { zone: 'UTC', hours: [], holidays: [] };
const rules = someRules();
const NOW_US = 1_700_000_000_000_000;

describe('an assignment', () => {
  test('by hand stays, out of their hours and in whatever language, until those change', () => {
    const chat = aChat({ departmentKey: 'sales', lang: 'ru', assignedUs: 1 });
    const operator = anOperator({ departmentKeys: ['sales'], langs: ['zh'], statusSort: 'takes', schedule: null });
    const why = (isChanged: boolean, spoken: boolean, of = operator) =>
      whyWithdrawn(chat, of, rules, { nowUs: 2, isChanged, isSpoken: spoken });
    assert.equal(why(false, true), undefined);
    assert.equal(why(true, true), 'other-language');
    assert.equal(why(true, false), undefined, 'nobody speaks it');
    assert.equal(why(false, true, { ...operator, load: 1_000 }), undefined, 'full');
  });

  const lang = fc.constantFrom('', 'en', 'ru', 'zh');
  const operator = fc
    .record({
      langs: fc.uniqueArray(fc.constantFrom('en', 'ru', 'zh'), { maxLength: 2 }),
      departmentKeys: fc.uniqueArray(fc.constantFrom('sales', 'help'), { maxLength: 2 }),
      statusSort: fc.constantFrom('takes' as const, 'none' as const, 'offline' as const),
      schedule: fc.constantFrom(null, OPEN, NEVER),
      disabled: fc.boolean(),
      load: fc.nat(6),
    })
    .map(anOperator);

  test('is not taken back from whom the plan would ask, whatever of them was changed, and is from whom it would not', () => {
    fc.assert(
      fc.property(
        operator,
        fc.array(operator, { maxLength: 3 }),
        lang,
        fc.constantFrom(null, 'sales', 'help'),
        (asked, others, spoken, departmentKey) => {
          const chat = aChat({ lang: spoken, departmentKey, assignedUs: NOW_US - 1 });
          const kind = { lang: spoken, departmentKey, isSpoken: isSpoken(chat, [asked, ...others]) };
          const obstacle = obstacleOf(asked, kind, rules, NOW_US);
          const because = whyWithdrawn(chat, asked, rules, { nowUs: NOW_US, isChanged: true, isSpoken: kind.isSpoken });
          assert.equal(because, obstacle === 'full' ? undefined : obstacle);
        },
      ),
    );
  });
});
