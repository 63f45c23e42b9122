/** Logins that differ by case only, in an installation that has some from before they were one; what is counted, by many at once. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { Database } from '../../src/postgres/database.ts';
import { createLoginAttempts } from '../../src/postgres/login-attempts.ts';
import { createLogins } from '../../src/postgres/logins.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { Cleanup } from '../support/cleanup.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const FOLDER = path.resolve(import.meta.dirname, '../../src/postgres/migrations');
const OWN = '0012_logins.sql';

const cleanup = new Cleanup();
let database: TestDatabase;
let opened: Database;

before(async () => {
  database = cleanup.add(await createTestDatabase(), it => it.drop());
  opened = cleanup.add(database.open(), it => it.end());
});
after(() => cleanup.run());

const addOperator = (id: number, login: string): Promise<unknown> =>
  database.query(
    `insert into operator (id, login, fullname, title, status, status_sort, status_us, status_reason, load, department_keys, langs, roles, disabled, password_hash)
     values ($1, $2, '', '', 'offline', 'offline', 0, 'new', 0, '[]', '[]', '[]', false, $3)`,
    [id, login, `hash-${id}`],
  );

test('the schema is brought up to date with logins that differ by case, and each of them works as it is written', async () => {
  await database.query('create table schema_migration (id serial primary key, name varchar(255) not null, run_on timestamp not null)');
  for (const file of readdirSync(FOLDER).sort()) {
    if (file >= OWN) break;
    await database.query(readFileSync(path.join(FOLDER, file), 'utf8'));
    await database.query('insert into schema_migration (name, run_on) values ($1, now())', [file.replace('.sql', '')]);
  }
  for (const [id, login] of [
    [1, 'Win'],
    [2, 'win'],
    [3, 'WIN'],
    [4, 'Anna'],
    [5, 'İ'],
  ] as const)
    await addOperator(id, login);
  assert.ok((await migrate(opened)).includes(OWN.replace('.sql', '')));

  const logins = createLogins(opened);
  const found = async (login: string): Promise<number | undefined> => (await logins.findByLogin(login))?.operatorId;
  assert.deepEqual([await found('Win'), await found('win'), await found('WIN')], [1, 2, 3]);
  assert.equal(await found('wIn'), undefined, 'which one is meant is not known');
  assert.deepEqual([await found('anna'), await found('ANNA'), await found('ann')], [4, 4, undefined]);

  for (const taken of ['wIn', 'win', 'aNNA']) await assert.rejects(addOperator(10, taken), /operator_login_once|operator_login_key/, taken);
  await addOperator(11, 'winner');
});

test('one login tried and given back by many at once is never in its own way, and costs nothing', async () => {
  await migrate(opened);
  const databases = [0, 1].map(() => cleanup.add(database.open({ poolSize: 6 }), it => it.end()));
  const stores = databases.map(createLoginAttempts);
  const buckets = ['pair', 'account', 'address', 'all'].map(key => ({ key, bound: 1_000_000, everySeconds: 1 }));
  let rounds = 0;
  const results = await Promise.allSettled(
    Array.from({ length: 8 }, async (_, worker) => {
      const store = stores[worker % stores.length]!;
      for (let round = 0; round < 40; round++) {
        assert.equal(await store.reserve(buckets), 0);
        await store.giveBack(buckets, 'pair');
        rounds += 1;
      }
    }),
  );
  assert.deepEqual(
    results.filter(({ status }) => status === 'rejected'),
    [],
  );
  assert.equal(rounds, 320);
  const [left] = await database.query<{ left: number }>(
    'select max(extract(epoch from free_at - clock_timestamp()))::float8 as left from login_attempt',
  );
  assert.ok(Number(left?.left) <= 0, String(left?.left));
});

test('of an account the 50 places seen last are remembered, also when all come at once; of others theirs', async () => {
  await migrate(opened);
  const stores = [0, 1].map(() => createLoginAttempts(cleanup.add(database.open({ poolSize: 6 }), it => it.end())));
  await stores[0]!.remember('other-1', 'other');
  for (let i = 0; i < 10; i++) await stores[0]!.remember(`early-${i}`, 'mine');
  await Promise.all(Array.from({ length: 60 }, (_, i) => stores[i % 2]!.remember(`place-${i}`, 'mine')));
  await stores[0]!.remember('newest', 'mine');
  const rows = await database.query<{ key: string }>("select key from login_place where account = 'mine'");
  assert.equal(rows.length, 50);
  assert.ok(!rows.some(({ key }) => key.startsWith('early')), 'the oldest have gone');
  assert.deepEqual(await Promise.all(['newest', 'other-1', 'early-0'].map(key => stores[1]!.isKnown(key))), [true, true, false]);
});
