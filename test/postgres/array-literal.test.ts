import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { arrayLiteral, listLiteral } from '../../src/postgres/array-literal.ts';
import { Cleanup } from '../support/cleanup.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

describe('array literals', () => {
  const cleanup = new Cleanup();
  let database: TestDatabase;

  before(async () => {
    database = cleanup.add(await createTestDatabase(), it => it.drop());
  });

  after(() => cleanup.run());

  test('any texts come back as they were, NULL too', async () => {
    const text = fc.string({ unit: 'binary' }).filter(value => value.isWellFormed() && !value.includes('\u0000'));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.option(fc.oneof(text, fc.constantFrom('', 'NULL', '{}', '"', '\\', 'a,b', ' ')))), async values => {
        const literal = arrayLiteral(
          values.map(value => ({ value })),
          'value',
          false,
        );
        const [row] = await database.query<{ back: (string | null)[] }>('select $1::text[] as back', [literal]);
        assert.deepEqual(row!.back, values);
      }),
      { numRuns: 200 },
    );
  });

  test('any JSON comes back as it was', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.jsonValue().filter(value => value !== null && !JSON.stringify(value).includes('\\u'))), async values => {
        const literal = arrayLiteral(
          values.map(value => ({ value })),
          'value',
          true,
        );
        const [row] = await database.query<{ back: string[] }>('select $1::text[] as back', [literal]);
        assert.deepEqual(
          row!.back.map(json => JSON.parse(json) as unknown),
          values.map(value => JSON.parse(JSON.stringify(value)) as unknown),
        );
      }),
      { numRuns: 100 },
    );
  });

  test('numbers and lists', async () => {
    const [row] = await database.query<{ numbers: string[]; list: string[] }>('select $1::bigint[] as numbers, $2::text[] as list', [
      arrayLiteral([{ n: 1 }, { n: 9_007_199_254_740_991 }, { n: null }], 'n', false),
      listLiteral(['a', 'b "c"', '']),
    ]);
    assert.deepEqual(
      [row!.numbers, row!.list],
      [
        ['1', '9007199254740991', null],
        ['a', 'b "c"', ''],
      ],
    );
  });
});
